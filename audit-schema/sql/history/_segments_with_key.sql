-- The segments that may hold a key, and at which places: hashes of different keys can be equal. A month has few layers, and
-- in each one segment at most spans the key; what lies in no layer is found by its hashes. So a look-up takes as long in a
-- long log as in a short one.
create or replace function audit._segments_with_key(table_id integer, key text)
    returns table (op "char", shape integer, places bigint[], lsns pg_lsn[], xids xid8[], ats timestamptz[], occurred_ats timestamptz[], contexts json, old json, new json)
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    hash integer := audit._key_hash(table_id, key);
begin
    -- Column by column, because a whole segment taken as one value would be unpacked at once.
    return query
    select
        s.op, s.shape, array(select distinct (p - 1) % s.rows + 1 from unnest(array_positions(s.key_hashes, hash)) p)::bigint[],
        s.lsns, s.xids, s.ats, s.occurred_ats, s.contexts, s.old, s.new
    from (
        select l.op, l.shape, l.rows, l.key_hashes, l.lsns, l.xids, l.ats, l.occurred_ats, l.contexts, l.old, l.new
        from (
            select to_date(right(c.relname, 7), 'YYYY_MM') as month
            from pg_inherits i
            join pg_class c on c.oid = i.inhrelid
            where i.inhparent = 'audit.segment'::regclass
        ) m
        cross join lateral (
            with recursive used as (
                select min(s.layer) as layer from audit.segment s where s.month = m.month and s.table_id = table_id and s.layer is not null
                union all
                select (select min(s.layer) from audit.segment s where s.month = m.month and s.table_id = table_id and s.layer > u.layer)
                from used u
                where u.layer is not null
            )
            select u.layer from used u where u.layer is not null
        ) u
        cross join lateral (
            select s.op, s.shape, s.rows, s.key_lo, s.key_hashes, s.lsns, s.xids, s.ats, s.occurred_ats, s.contexts, s.old, s.new
            from audit.segment s
            where s.month = m.month
                and s.table_id = table_id
                and s.layer = u.layer
                and s.key_hi >= key
            order by s.key_hi
            limit 1
        ) l
        where l.key_lo <= key
        union all
        select s.op, s.shape, s.rows, s.key_hashes, s.lsns, s.xids, s.ats, s.occurred_ats, s.contexts, s.old, s.new
        from audit.segment s
        where s.layer is null
            and s.key_hashes @> array[hash]
            and s.table_id = table_id
    ) s
    where hash = any (s.key_hashes);
end;
$$;

comment on function audit._segments_with_key(integer, text) is 'The segments that may hold a key, and at which places.';
revoke all on function audit._segments_with_key(integer, text) from public;
