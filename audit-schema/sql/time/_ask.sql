-- What is asked for a time-driven rule: a query over the clock ($1) and the number of the rule ($2) that gives one row for each
-- group, with group_values, state, value, expected, detail, starts (of the window that is judged) and samples.
create or replace function audit._ask(rule audit.rule)
    returns text
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    relation regclass;
begin
    select w.relation into relation from audit.watched_table w where w.table_id = rule.table_id;
    return case rule.kind
        when 'fresh' then audit._ask_fresh(rule, relation)
        when 'gap' then audit._ask_gap(rule, relation)
        when 'row_count' then audit._ask_row_count(rule, relation)
        when 'volume' then audit._ask_volume(rule, relation)
        when 'reconcile' then audit._ask_reconcile(rule, relation)
        when 'sql' then audit._ask_sql(rule)
        when 'bounds' then audit._ask_bounds(rule)
    end;
end;
$$;

comment on function audit._ask(audit.rule) is 'What is asked for a time-driven rule: a query over the clock and the number of the rule.';
revoke all on function audit._ask(audit.rule) from public;
