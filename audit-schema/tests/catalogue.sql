-- Every object of a database with its definition, owner, rights and comment, one a line.
select line
from (
    select concat_ws(' | ', 'schema', n.nspname, n.nspowner::regrole, n.nspacl::text,
        obj_description(n.oid, 'pg_namespace'))
    from pg_namespace n
    where n.nspname !~ '^pg_'
    union all
    select concat_ws(' | ', 'relation', c.oid::regclass, c.relkind, c.relowner::regrole,
        (select string_agg(acl::text, ',' order by acl::text) from unnest(c.relacl) acl), c.reloptions::text,
        case when c.relkind = 'v' then pg_get_viewdef(c.oid) end, obj_description(c.oid, 'pg_class'))
    from pg_class c
    where c.relnamespace::regnamespace::text !~ '^pg_|^information_schema$'
    union all
    select concat_ws(' | ', 'column', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod),
        a.attnotnull, a.attcompression, a.attidentity, pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum))
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where c.relnamespace::regnamespace::text !~ '^pg_|^information_schema$' and a.attnum > 0 and not a.attisdropped
    union all
    select concat_ws(' | ', 'index', pg_get_indexdef(i.indexrelid))
    from pg_index i
    join pg_class c on c.oid = i.indexrelid
    where c.relnamespace::regnamespace::text !~ '^pg_|^information_schema$'
    union all
    select concat_ws(' | ', 'constraint', o.conrelid::regclass, o.conname, pg_get_constraintdef(o.oid),
        obj_description(o.oid, 'pg_constraint'))
    from pg_constraint o
    where o.connamespace::regnamespace::text !~ '^pg_|^information_schema$'
    union all
    select concat_ws(' | ', 'trigger', t.tgenabled, pg_get_triggerdef(t.oid), obj_description(t.oid, 'pg_trigger'))
    from pg_trigger t
    where not t.tgisinternal
    union all
    select concat_ws(' | ', 'routine', p.oid::regprocedure, p.proowner::regrole,
        (select string_agg(acl::text, ',' order by acl::text) from unnest(p.proacl) acl), pg_get_functiondef(p.oid),
        obj_description(p.oid, 'pg_proc'))
    from pg_proc p
    where p.pronamespace::regnamespace::text !~ '^pg_|^information_schema$' and p.prokind in ('f', 'p')
    union all
    select concat_ws(' | ', 'default rights', d.defaclrole::regrole, d.defaclnamespace::regnamespace, d.defaclobjtype,
        (select string_agg(acl::text, ',' order by acl::text) from unnest(d.defaclacl) acl))
    from pg_default_acl d
    union all
    select concat_ws(' | ', 'event trigger', e.evtname, e.evtevent, e.evtfoid::regproc, e.evtenabled)
    from pg_event_trigger e
    union all
    select concat_ws(' | ', 'extension', x.extname)
    from pg_extension x
) as object (line)
order by line collate "C"
