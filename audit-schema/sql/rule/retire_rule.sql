-- Takes a rule back. Its findings stay; its counter no longer moves once audit.compile() has run for the table.
create or replace function audit.retire_rule(rule_id integer)
    returns void
    language sql
    volatile
as $$
    update audit.rule r set retired_at = now() where r.rule_id = retire_rule.rule_id and r.retired_at is null;
$$;

comment on function audit.retire_rule(integer) is 'Takes a rule back. Its findings stay.';
revoke all on function audit.retire_rule(integer) from public;
