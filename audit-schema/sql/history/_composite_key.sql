-- A primary key of several columns of a logged row, as the text of a json array.
create or replace function audit._composite_key(object jsonb, key_columns text[])
    returns text
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select jsonb_agg(object -> c.name order by c.position)::text from unnest(key_columns) with ordinality c (name, position);
$$;

comment on function audit._composite_key(jsonb, text[]) is 'A primary key of several columns of a logged row, as the text of a json array.';
revoke all on function audit._composite_key(jsonb, text[]) from public;
