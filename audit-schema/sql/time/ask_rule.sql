-- Asks a time-driven rule at a time and records the answer. What is asked runs in a subtransaction that is read-only, whatever
-- functions it calls, and a rule that raises an error is itself the answer: it disturbs nothing else. A query that is cancelled
-- is not caught: the caller, who bounds the time, hands the error in with audit.record_rule_error(). Gives whether it was asked:
-- not when another tick asks it at this moment or did so meanwhile. The settings are pinned because groups are told apart
-- by their values as texts.
create or replace function audit.ask_rule(rule_id integer, clock timestamptz default now())
    returns boolean
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set datestyle = iso, ymd
    set intervalstyle = postgres
    set timezone = utc
    set extra_float_digits = 1
    set bytea_output = hex
    set jit = off
as $$
#variable_conflict use_variable
declare
    rule audit.rule;
    answers jsonb;
    message text;
begin
    if not pg_try_advisory_xact_lock(hashtext('audit.ask_rule'), rule_id) or rule_id not in (select audit.due_rules(clock)) then
        return false;
    end if;
    select r.* into rule from audit.rule r where r.rule_id = ask_rule.rule_id;
    begin
        if rule.broken is not null then
            raise exception '%', rule.broken;
        end if;
        perform set_config('transaction_read_only', 'on', true);
        execute format('select coalesce(jsonb_agg(to_jsonb(a.*)), ''[]'') from (select * from (%s) a limit 10001) a', audit._ask(rule))
        into answers
        using clock, rule_id;
        if jsonb_array_length(answers) > 10000 then
            raise exception 'there are more than 10,000 groups';
        end if;
    exception when others then
        message := case when audit._reads_hidden(rule) then audit._unsaid(sqlstate) else sqlerrm end;
        perform audit.record_rule_error(rule_id, clock, message);
        return true;
    end;
    -- Where groups are known, it is they that have no data.
    if answers = '[]' and not exists (select from audit.time_rule_state s where s.rule_id = rule.rule_id and s.group_values <> '{}') then
        answers := jsonb_build_array(jsonb_build_object('group_values', '{}'::jsonb, 'state', 'no_data', 'detail', 'there is nothing to judge'));
    end if;
    perform audit._record_answers(rule, clock, answers);
    return true;
end;
$$;

comment on function audit.ask_rule(integer, timestamptz) is 'Asks a time-driven rule at a time and records the answer.';
revoke all on function audit.ask_rule(integer, timestamptz) from public;
