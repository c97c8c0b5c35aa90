-- The primary key, as text, of a logged row whose values are given by expressions: `value` is a format with one %L for
-- the column, for example r.%I.
create or replace function audit._key_of(value text, key_columns text[])
    returns text
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select case cardinality(key_columns)
        when 0 then 'null::text'
        when 1 then format('(' || value || ') #>> ''{}''', key_columns[1])
        else format('json_build_array(%s)::text', (select string_agg(format(value, c.name), ', ' order by c.position) from unnest(key_columns) with ordinality c (name, position)))
    end;
$$;

comment on function audit._key_of(text, text[]) is 'The expression that gives the primary key of a logged row as text.';
revoke all on function audit._key_of(text, text[]) from public;
