-- The expression that gives audit_row as a json object. The short form is the fastest; the long one names each column,
-- for tables with columns that to_json() must not see and for rows that carry more than the table's columns. `which` chooses
-- among the columns, as in audit._log_column().
create or replace function audit._log_object(target regclass, short boolean default false, which text default 'logged')
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select case
        when short
            and bool_and(c.plain)
            and count(*) = (select count(*) from pg_attribute a where a.attrelid = target and a.attnum > 0 and not a.attisdropped)
        then 'to_json(audit_row.*)'
        else format(
            '(select to_json(audit_object.*) from (select %s) audit_object)',
            string_agg(format('%s as %I', c.value, c.name), ', ')
        )
    end
    from audit._log_column(target, which) c;
$$;

comment on function audit._log_object(regclass, boolean, text) is 'The expression that gives audit_row as a json object.';
revoke all on function audit._log_object(regclass, boolean, text) from public;
