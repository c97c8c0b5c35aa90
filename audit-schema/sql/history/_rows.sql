-- The rows of a log row or of a segment. A log row of one row holds the plain object; all others, and every segment
-- (packed), hold one array per column. A column that an update left alone may be missing on the new side, and so may all.
create or replace function audit._rows(rows integer, before json, after json, key_columns text[], packed boolean default false)
    returns table (place bigint, old_key text, new_key text, old jsonb, new jsonb)
    language sql
    stable
    rows 1000
as $$
    select v.place, p.old_key, p.new_key, p.old, p.new
    from (
        select 1::bigint as place, before::jsonb as old, after::jsonb as new
        where rows = 1 and not packed
        union all
        select o.place, o.object, null
        from audit._objects(before) o
        where (rows > 1 or packed) and after is null
        union all
        select n.place, null, n.object
        from audit._objects(after) n
        where (rows > 1 or packed) and before is null
        union all
        select o.place, o.object, coalesce(n.object, '{}')
        from audit._objects(before) o
        left join audit._objects(after) n on n.place = o.place
        where (rows > 1 or packed) and before is not null and after is not null
        offset 0
    ) v
    cross join lateral audit._paired(v.old, v.new, key_columns) p;
$$;

comment on function audit._rows(integer, json, json, text[], boolean) is 'The rows of a log row or of a segment, with their keys.';
revoke all on function audit._rows(integer, json, json, text[], boolean) from public;
