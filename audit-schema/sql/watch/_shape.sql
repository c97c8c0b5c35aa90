-- The shape of a watched table as it is now: what drift is measured against.
create or replace function audit._shape(target regclass)
    returns jsonb
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select jsonb_build_object(
        'schema', n.nspname,
        'name', c.relname,
        'row_security', c.relrowsecurity,
        'columns', (
            select coalesce(jsonb_object_agg(a.attnum, jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod))), '{}')
            from pg_attribute a
            where a.attrelid = target and a.attnum > 0 and not a.attisdropped
        ),
        'key', (
            select coalesce(jsonb_agg(a.attname order by k.position), '[]')
            from pg_index i
            cross join unnest(i.indkey) with ordinality k (attnum, position)
            join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
            where i.indrelid = target and i.indisprimary
        ),
        'children', (
            select coalesce(jsonb_object_agg(r.relid, k.relnamespace::regnamespace || '.' || quote_ident(k.relname)), '{}')
            from audit._relatives(target) r
            join pg_class k on k.oid = r.relid
            where r.relid <> target
        ),
        'disabled', (
            select coalesce(jsonb_agg(format('%s on %s', g.tgname, g.tgrelid::regclass) order by g.tgrelid, g.tgname), '[]')
            from audit._relatives(target) r
            join pg_trigger g on g.tgrelid = r.relid and g.tgenabled in ('D', 'R')
            join pg_proc p on p.oid = g.tgfoid and p.pronamespace = 'audit_compiled'::regnamespace
        )
    )
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.oid = target;
$$;

comment on function audit._shape(regclass) is 'The shape of a watched table as it is now: what drift is measured against.';
revoke all on function audit._shape(regclass) from public;
