-- The rows of a log row or of a segment. A log row of one row holds the plain object; all others, and every segment
-- (packed), hold one array per column. A column that an update left alone may be missing on the new side.
create or replace function audit._rows(rows integer, before json, after json, key_columns text[], packed boolean default false)
    returns table (place bigint, old_key text, new_key text, old jsonb, new jsonb)
    language plpgsql
    stable
    rows 1000
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
    if rows = 1 and not packed then
        return query select 1::bigint, p.* from audit._paired(before::jsonb, after::jsonb, key_columns) p;
        return;
    end if;
    return query
    select v.place, p.*
    from (
        select
            e.position as place,
            jsonb_object_agg(e.name, e.value) filter (where e.side = 'old') as old,
            jsonb_object_agg(e.name, e.value) filter (where e.side = 'new') as new
        from (
            select 'old' as side, c.key as name, a.value, a.position
            from json_each(before) c
            cross join lateral json_array_elements(c.value) with ordinality a (value, position)
            union all
            select 'new', c.key, a.value, a.position
            from json_each(after) c
            cross join lateral json_array_elements(c.value) with ordinality a (value, position)
        ) e
        group by e.position
    ) v
    cross join lateral audit._paired(v.old, v.new, key_columns) p
    order by v.place;
end;
$$;

comment on function audit._rows(integer, json, json, text[], boolean) is 'The rows of a log row or of a segment, with their keys.';
revoke all on function audit._rows(integer, json, json, text[], boolean) from public;
