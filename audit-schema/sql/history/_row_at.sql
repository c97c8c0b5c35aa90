-- One row of a columnar object.
create or replace function audit._row_at(object json, place bigint)
    returns jsonb
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select jsonb_object_agg(c.key, c.value -> (place::integer - 1)) from json_each(object) c;
$$;

comment on function audit._row_at(json, bigint) is 'One row of a columnar object.';
revoke all on function audit._row_at(json, bigint) from public;
