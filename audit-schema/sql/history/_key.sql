-- The primary key of a logged row as text: the value itself for one column, a json array for several.
create or replace function audit._key(object jsonb, key_columns text[])
    returns text
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select case cardinality(key_columns)
        when 0 then null
        when 1 then object ->> key_columns[1]
        else (select jsonb_agg(object -> c.name order by c.position)::text from unnest(key_columns) with ordinality c (name, position))
    end;
$$;

comment on function audit._key(jsonb, text[]) is 'The primary key of a logged row as text.';
revoke all on function audit._key(jsonb, text[]) from public;
