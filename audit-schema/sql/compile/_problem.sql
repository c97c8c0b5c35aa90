-- The statement of a generated function that remembers why a rule raised an error. Of a table with columns whose values must
-- not be kept only the SQLSTATE is, because a message may quote them.
create or replace function audit._problem(rule_id integer)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select case
        when audit._hidden(r.table_id) = '{}' then format(E'        get stacked diagnostics problem_%s = message_text;\n', r.rule_id)
        else format(E'        get stacked diagnostics problem_%1$s = returned_sqlstate;\n        problem_%1$s := audit._unsaid(problem_%1$s);\n', r.rule_id)
    end
    from audit.rule r
    where r.rule_id = _problem.rule_id;
$$;

comment on function audit._problem(integer) is 'The statement of a generated function that remembers why a rule raised an error.';
revoke all on function audit._problem(integer) from public;
