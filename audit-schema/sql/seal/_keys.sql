-- The primary keys, as text, of the rows of a columnar object. Null if a key column is not in it.
create or replace function audit._keys(object json, key_columns text[])
    returns text[]
    language plpgsql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    result text[];
begin
    if key_columns = '{}' or exists (select from unnest(key_columns) k where object -> k is null) then
        return null;
    elsif cardinality(key_columns) = 1 then
        return array(select json_array_elements_text(object -> key_columns[1]));
    end if;
    select array_agg(k.key order by k.position)
    into result
    from (
        select e.position, json_agg(e.value order by c.position)::text as key
        from unnest(key_columns) with ordinality c (name, position)
        cross join lateral json_array_elements(object -> c.name) with ordinality e (value, position)
        group by e.position
    ) k;
    return result;
end;
$$;

comment on function audit._keys(json, text[]) is 'The primary keys, as text, of the rows of a columnar object.';
revoke all on function audit._keys(json, text[]) from public;
