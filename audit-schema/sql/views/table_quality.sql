-- Which share of a table's rows passes every rule. Counters know how many rows fail each rule, but not which rows fail
-- several, so the share lies between two bounds; they are one where no row fails two rules. Rows that were set aside
-- are not in the table and count in neither. Rules on trial are left out, and a rule that enough rows pass (mostly) is
-- taken as kept. Time-driven rules say nothing about single rows.
create or replace view audit.table_quality as
select
    watched.table_id,
    watched.name,
    watched.owner,
    coalesce(counter.rows, 0)::bigint as rows,
    count(rule.rule_id) filter (where not rule.shadow) as rules,
    count(rule.rule_id) filter (where rule.taken_as_failing > 0) as failing_rules,
    coalesce(sum(rule.taken_as_failing) filter (where rule.class <> 'time'), 0)::bigint as failures,
    coalesce(max(rule.taken_as_failing) filter (where rule.class <> 'time'), 0)::bigint as failures_of_worst_rule,
    case
        when counter.rows > 0 then greatest(1 - coalesce(sum(rule.taken_as_failing) filter (where rule.class <> 'time'), 0)::float8 / counter.rows, 0)
    end as share_passing_at_least,
    case
        when counter.rows > 0 then greatest(1 - coalesce(max(rule.taken_as_failing) filter (where rule.class <> 'time'), 0)::float8 / counter.rows, 0)
    end as share_passing_at_most
from audit.watched_table as watched
left join audit.table_counter as counter
    on counter.table_id = watched.table_id
left join audit.rule_status as rule
    on rule.table_id = watched.table_id
where watched.unwatched_at is null
group by
    watched.table_id,
    watched.name,
    watched.owner,
    counter.rows;

comment on view audit.table_quality is 'Quality of every watched table: which share of its rows passes every rule, as lower and upper bound.';
comment on column audit.table_quality.table_id is 'The watched table. References audit.watched_table.';
comment on column audit.table_quality.name is 'Schema and name.';
comment on column audit.table_quality.owner is 'Who answers for the data of the table.';
comment on column audit.table_quality.rows is 'Rows in the table now.';
comment on column audit.table_quality.rules is 'Rules in force, without those on trial.';
comment on column audit.table_quality.failing_rules is 'Rules that at least one row fails now, and time-driven rules that fail.';
comment on column audit.table_quality.failures is 'Sum over the rules of the rows that fail it now: a row counts once for every rule that it fails.';
comment on column audit.table_quality.failures_of_worst_rule is 'Rows that fail the rule that fails most.';
comment on column audit.table_quality.share_passing_at_least is 'Lower bound of the share of rows that pass every rule: 1 - failures / rows, not below 0; null without rows.';
comment on column audit.table_quality.share_passing_at_most is 'Upper bound of that share: 1 - failures_of_worst_rule / rows; null without rows.';
