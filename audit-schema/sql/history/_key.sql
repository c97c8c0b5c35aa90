-- The primary key of a logged row as text: the value itself for one column, a json array for several. Like the other small
-- functions that read rows, it has no settings of its own, so that PostgreSQL can put it in the place of its call.
create or replace function audit._key(object jsonb, key_columns text[])
    returns text
    language sql
    immutable
as $$
    select case pg_catalog.cardinality(key_columns)
        when 0 then null
        when 1 then object ->> key_columns[1]
        else audit._composite_key(object, key_columns)
    end;
$$;

comment on function audit._key(jsonb, text[]) is 'The primary key of a logged row as text.';
revoke all on function audit._key(jsonb, text[]) from public;
