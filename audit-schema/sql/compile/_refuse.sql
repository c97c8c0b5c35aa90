-- The part of a generated function that fails the statement when a reject rule failed, or a rule that blocks could not be
-- evaluated. It comes after all rules, so that every such rule is named.
create or replace function audit._refuse(table_id integer, op text)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select case
        when exists (select from audit._compiled_rule(table_id, 'new') r where r.action = 'reject' or r.on_error = 'block')
            or audit._blocking_rules(table_id) <> '[]'
        then format(E'    if refusals <> ''[]'' then\n        perform audit._reject(%s, %L, coalesce(written, 1), refusals);\n    end if;\n', table_id, op)
        else ''
    end;
$$;

comment on function audit._refuse(integer, text) is 'The part of a generated function that fails the statement when a reject rule failed.';
revoke all on function audit._refuse(integer, text) from public;
