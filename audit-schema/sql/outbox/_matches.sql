-- Whether a condition of a route matches a value: one word, a list of words, or nothing said, which matches all.
create or replace function audit._matches(condition jsonb, value text)
    returns boolean
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select case jsonb_typeof(condition)
        when 'string' then condition #>> '{}' = value
        when 'array' then condition ? value
        else true
    end;
$$;

comment on function audit._matches(jsonb, text) is 'Whether a condition of a route matches a value.';
revoke all on function audit._matches(jsonb, text) from public;
