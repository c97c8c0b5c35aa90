-- Leaves out rules that can not be evaluated any more, says why and counts it as an error of the rule; takes them in again
-- when they can. Their counter starts again then, because nothing was counted meanwhile.
create or replace function audit._mark_broken_rules(table_id integer, command text)
    returns void
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    rule record;
begin
    for rule in
        select r.rule_id, r.name, r.broken as was, b.became
        from audit.rule r
        cross join lateral (select audit._broken_because(r.rule_id) as became) b
        where r.table_id = _mark_broken_rules.table_id
            and r.retired_at is null
            and b.became is distinct from r.broken
        order by r.rule_id
    loop
        update audit.rule r set broken = rule.became where r.rule_id = rule.rule_id;
        perform audit._note_drift(table_id, command, case when rule.became is null then 'rule mended' else 'rule broken' end, rule.name, rule.was, rule.became);
        if rule.was is null then
            update audit.rule_counter_base b set errors = b.errors + 1 where b.rule_id = rule.rule_id;
        end if;
        perform audit._void_counter(rule.rule_id);
    end loop;
end;
$$;

comment on function audit._mark_broken_rules(integer, text) is 'Leaves out rules that can not be evaluated any more, and says why; takes them in again when they can.';
revoke all on function audit._mark_broken_rules(integer, text) from public;
