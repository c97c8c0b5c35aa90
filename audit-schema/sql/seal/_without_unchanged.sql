-- A columnar object without the columns that are the same in another one, by their text; the key columns stay.
create or replace function audit._without_unchanged(new json, old json, key_columns text[])
    returns json
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select case when new is null or old is null then new else (
        select json_object_agg(n.key, n.value)
        from json_each(new) n
        where n.key = any (key_columns)
            or (old -> n.key)::text is distinct from n.value::text
    ) end;
$$;

comment on function audit._without_unchanged(json, json, text[]) is 'A columnar object without the columns that are the same in another one.';
revoke all on function audit._without_unchanged(json, json, text[]) from public;
