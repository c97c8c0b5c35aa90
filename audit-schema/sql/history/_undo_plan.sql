-- What would take back the changes that are selected, in the order to run it: newest first, but what a foreign key removed
-- or changed on its own (a cascade) after the row that it follows. A change is refused if its row changed since and that
-- is not taken back as well, or if the row is not as the change left it.
create or replace function audit._undo_plan(only_lsn pg_lsn, only_xid xid8, only_actor text, since timestamptz, until timestamptz, only_table integer)
    returns table (
        step bigint, table_id integer, relation text, key text, op "char", lsn pg_lsn, xid xid8, at timestamptz,
        statement text, reason text, later_lsn pg_lsn, unknown text[]
    )
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
    set jit = off
as $$
#variable_conflict use_column
declare
    few constant integer := 200;
begin
    return query
    with recursive item as materialized (
        select row_number() over (order by c.lsn, c.place) as n, c.*
        from audit._changes(only_table, since, until, only_lsn, only_xid) c
        where only_actor is null or coalesce(c.actor, c.session_role) = only_actor
    ), subject as materialized (
        select
            w.table_id, w.key_columns, w as watched, i.keys,
            case when c.oid is null or w.unwatched_at is not null then w.name else format('%I.%I', s.nspname, c.relname) end as relation,
            case
                when c.oid is null then 'the table is gone'
                when w.unwatched_at is not null then 'the table is no longer watched'
                when w.key_columns = '{}' then 'the table has no primary key'
                when audit._hidden_key(w) then 'the log knows the rows by hashes of their keys only'
            end as reason,
            (
                select array_agg(a.attname::text order by a.attnum)
                from pg_attribute a
                where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attname <> all (w.redact || w.hash)
            ) as columns,
            w.redact || w.hash as unknown,
            case when exists (select from pg_attribute a where a.attrelid = c.oid and a.attidentity = 'a') then ' overriding system value' else '' end as override
        from (select i.table_id, count(distinct i.new_key) as keys from item i group by i.table_id) i
        join audit.watched_table w on w.table_id = i.table_id
        left join pg_class c on c.oid = w.relation
        left join pg_namespace s on s.oid = c.relnamespace
    ), touch as materialized (
        select i.n, i.table_id, i.old_key as key, i.lsn, i.place, null::jsonb as image from item i where i.op = 'D' or i.old_key <> i.new_key
        union all
        select i.n, i.table_id, i.new_key, i.lsn, i.place, i.new from item i where i.op <> 'D'
    ), newest as (
        select distinct on (t.table_id, t.key) t.table_id, t.key, t.image, t.n
        from touch t
        order by t.table_id, t.key, t.n desc, t.image is not null desc
    ), later as materialized (
        -- Changes of the same keys that are not taken back: each key by itself where they are few, else by reading on.
        select distinct on (c.table_id, c.key) c.*
        from (
            select s.table_id, k.key, c.lsn, c.place, c.xid, c.at, c.op, coalesce(c.actor, c.session_role) as author
            from subject s
            join newest k on k.table_id = s.table_id
            cross join lateral audit._changes_of(s.table_id, k.key) c
            where s.keys <= few
            union all
            select s.table_id, k.key, c.lsn, c.place, c.xid, c.at, c.op, coalesce(c.actor, c.session_role)
            from subject s
            cross join lateral audit._changes(s.table_id, (select min(i.at) from item i)) c
            cross join lateral (select c.old_key as key union select c.new_key) k
            where s.keys > few
        ) c
        where not exists (select from item i where i.table_id = c.table_id and i.lsn = c.lsn and i.place = c.place and i.xid = c.xid)
        order by c.table_id, c.key, c.lsn desc, c.place desc
    ), truncated as (
        select s.table_id, t.lsn, t.at from subject s cross join lateral audit._truncates(s.table_id) t
    ), altered as (
        select s.table_id, a.key
        from subject s
        cross join lateral audit._altered(
            s.watched,
            array(select k.key from newest k where k.table_id = s.table_id order by k.n),
            array(select k.image from newest k where k.table_id = s.table_id order by k.n)
        ) a (key)
        where s.reason is null
    ), obstacle as materialized (
        select i.n, s.reason, null::pg_lsn as later_lsn from item i join subject s using (table_id) where s.reason is not null
        union all
        -- What is not known can not be written back. A redacted column that an update changed is not seen, and stays as it is.
        select i.n, format('the log does not know %s of the row that was deleted', array_to_string(s.unknown, ', ')), null
        from item i
        join subject s using (table_id)
        where s.unknown <> '{}' and i.op = 'D'
        union all
        select i.n, format('it changed %s, of which the log has only a hash', string_agg(c.name, ', ' order by c.name)), null
        from item i
        join subject s using (table_id)
        cross join unnest(s.unknown) c (name)
        where i.op = 'U' and i.old -> c.name is distinct from i.new -> c.name
        group by i.n
        union all
        select t.n, format('changed since by %s at %s (%s at %s)', c.author, c.lsn, case c.op when 'I' then 'insert' when 'U' then 'update' else 'delete' end, c.at), c.lsn
        from touch t
        join later c on c.table_id = t.table_id and c.key = t.key and (c.lsn, c.place) > (t.lsn, t.place)
        union all
        select i.n, format('the table was truncated since, at %s (%s)', c.lsn, c.at), c.lsn
        from item i
        join truncated c on c.table_id = i.table_id and c.lsn > i.lsn
        union all
        select t.n, 'the row is not as the change left it, and no change says why', null
        from altered a
        join newest t on t.table_id = a.table_id and t.key = a.key
    ), refused (n) as (
        select o.n from obstacle o
        union
        select earlier.n
        from refused r
        join touch t on t.n = r.n
        join touch earlier on earlier.table_id = t.table_id and earlier.key = t.key and earlier.n < t.n
    ), reference as (
        select
            child.table_id as child, parent.table_id as parent, f.confdeltype in ('c', 'n', 'd') as on_delete, f.confupdtype in ('c', 'n', 'd') as on_update,
            array(select a.attname::text from unnest(f.conkey) with ordinality k (attnum, position) join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.attnum order by k.position) as child_columns,
            array(select a.attname::text from unnest(f.confkey) with ordinality k (attnum, position) join pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.attnum order by k.position) as parent_columns
        from pg_constraint f
        join (select s.table_id, (s.watched).relation from subject s) child on child.relation = f.conrelid
        join (select s.table_id, (s.watched).relation from subject s) parent on parent.relation = f.confrelid
        where f.contype = 'f'
            and (f.confdeltype in ('c', 'n', 'd') or f.confupdtype in ('c', 'n', 'd'))
    ), cause as (
        -- A row that still referred to one that had gone or changed its key: that was the foreign key's doing.
        select c.n, max(p.n) as cause
        from reference f
        join item c on c.table_id = f.child and c.op in ('D', 'U')
        join item p on p.table_id = f.parent
            and p.xid = c.xid
            and p.n < c.n
            and audit._key(p.old, f.parent_columns) = audit._key(c.old, f.child_columns)
            and (p.op = 'D' and f.on_delete or p.op = 'U' and f.on_update and audit._key(p.new, f.parent_columns) <> audit._key(p.old, f.parent_columns))
        where not exists (
            select
            from item i
            where i.table_id = f.parent
                and i.n > p.n
                and i.n < c.n
                and i.op in ('I', 'U')
                and audit._key(i.new, f.parent_columns) = audit._key(p.old, f.parent_columns)
        )
        group by c.n
    ), placed (n, root, depth) as (
        select i.n, i.n, 0 from item i where not exists (select from cause c where c.n = i.n)
        union all
        select c.n, p.root, p.depth + 1 from placed p join cause c on c.cause = p.n
    ), written as (
        select i.*, p.root, p.depth, s.relation, s.unknown, audit._undo_statement(s.relation, s.columns, s.override, s.key_columns, i.op, i.old, i.new) as statement
        from item i
        join placed p on p.n = i.n
        join subject s on s.table_id = i.table_id
    )
    select
        row_number() over (order by w.root desc, w.depth, w.n desc),
        w.table_id, w.relation, w.new_key, w.op, w.lsn, w.xid, w.at,
        w.statement,
        case
            when o.n is not null then o.reason
            when exists (select from refused r where r.n = w.n) then 'a later change of the row, among these, can not be undone'
            when w.statement is null and w.old is distinct from w.new then 'the columns that it changed are gone'
        end,
        o.later_lsn,
        case when w.op = 'U' then w.unknown end
    from written w
    left join (select distinct on (o.n) o.* from obstacle o order by o.n, o.later_lsn desc nulls last) o on o.n = w.n
    order by 1;
    -- Rows that a TRUNCATE took are not logged.
    return query
    select null::bigint, c.table_id, w.name, null::text, 'T'::"char", c.lsn, c.xid, c.at, null::text, 'a truncate can not be undone: the rows that it took are not logged', null::pg_lsn, null::text[]
    from (
        select c.table_id, c.lsn, c.xid, c.at, coalesce(c.actor, c.session_role) as author from audit.change c where c.op = 'T'
        union all
        select s.table_id, s.lsn_hi, s.xid_hi, s.at_hi, coalesce(s.contexts ->> 'actor', s.contexts ->> 'session_role') from audit.segment s where s.op = 'T'
    ) c
    join audit.watched_table w on w.table_id = c.table_id
    where (only_table is null or c.table_id = only_table)
        and (only_lsn is null or c.lsn = only_lsn)
        and (only_xid is null or c.xid = only_xid)
        and (only_actor is null or c.author = only_actor)
        and (since is null or c.at >= since)
        and (until is null or c.at <= until);
end;
$$;

comment on function audit._undo_plan(pg_lsn, xid8, text, timestamptz, timestamptz, integer) is 'What would take back the changes that are selected, in the order to run it.';
revoke all on function audit._undo_plan(pg_lsn, xid8, text, timestamptz, timestamptz, integer) from public;
