-- The rows of a columnar object. No rows for null.
create or replace function audit._objects(source json)
    returns table (place bigint, object jsonb)
    language sql
    immutable
    rows 1000
    set search_path = pg_catalog, pg_temp
as $$
    select a.position, jsonb_object_agg(c.key, a.value)
    from json_each(source) c
    cross join lateral json_array_elements(c.value) with ordinality a (value, position)
    group by a.position;
$$;

comment on function audit._objects(json) is 'The rows of a columnar object.';
revoke all on function audit._objects(json) from public;
