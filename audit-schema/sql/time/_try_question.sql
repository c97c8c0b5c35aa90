-- Lets PostgreSQL parse what would be asked for a time-driven rule, and refuses a rule whose question it does not understand. A
-- rule about a summary is parsed when the summary is there. What is parsed is not run.
create or replace function audit._try_question(rule_id integer)
    returns void
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    rule audit.rule;
begin
    select r.* into rule from audit.rule r where r.rule_id = _try_question.rule_id;
    if rule.kind = 'bounds' then
        return;
    end if;
    execute 'prepare "audit probe" (timestamptz, integer) as ' || audit._ask(rule);
    deallocate "audit probe";
exception
    when query_canceled or lock_not_available or deadlock_detected then
        raise;
    when others then
        raise exception using
            errcode = 'AU002',
            constraint = 'predicate_is_not_valid',
            message = sqlerrm,
            hint = 'The guide to time-driven rules says what can be written.';
end;
$$;

comment on function audit._try_question(integer) is 'Refuses a time-driven rule whose question PostgreSQL does not understand.';
revoke all on function audit._try_question(integer) from public;
