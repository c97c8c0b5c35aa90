-- Who wrote the row at a place of a segment: each attribute of its contexts is one value for all rows or an array with one
-- element a row.
create or replace function audit._context_at(contexts json, place bigint)
    returns jsonb
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select jsonb_object_agg(c.key, case when json_typeof(c.value) = 'array' then c.value -> (place::integer - 1) else c.value end) from json_each(contexts) c;
$$;

comment on function audit._context_at(json, bigint) is 'Who wrote the row at a place of a segment.';
revoke all on function audit._context_at(json, bigint) from public;
