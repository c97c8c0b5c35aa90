-- What a generated function does when a look-up raised: remember it for the rule, which is then recorded as in error.
create or replace function audit._lookup_failed(side text, rule_id integer)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select format(
        E'%3$s        %1$s_failed_%2$s := true;\n        errored_%2$s := true;\n',
        side, rule_id, audit._problem(rule_id)
    );
$$;

comment on function audit._lookup_failed(text, integer) is 'What a generated function does when a look-up raised.';
revoke all on function audit._lookup_failed(text, integer) from public;
