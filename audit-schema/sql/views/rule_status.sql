-- Every rule in force with its exact counter; a time-driven rule counts groups in the place of rows. Nothing is scanned: failing is base plus tail, the hours are few. A rule on
-- trial (shadow), and one that is kept by as many rows as it has to be (mostly), is not taken as failing.
create or replace view audit.rule_status as
select
    rule.rule_id,
    rule.table_id,
    watched.name as table_name,
    rule.name,
    rule.kind,
    rule.class,
    rule.columns,
    rule.definition,
    rule.condition,
    rule.severity,
    rule.action,
    coalesce(nullif(rule.owner, ''), watched.owner) as owner,
    rule.why,
    rule.fix_within,
    rule.mostly,
    rule.shadow,
    case when rule.class = 'time' then timed.groups else coalesce(rows.rows, 0)::bigint end as rows,
    coalesce(counter.failing, 0)::bigint as failing,
    coalesce(counter.errors, 0)::bigint as errors,
    case
        when rule.shadow then 0
        when counter.failing <= (1 - rule.mostly::numeric) * rows.rows then 0
        else coalesce(counter.failing, 0)
    end::bigint as taken_as_failing,
    activity.first_failed_hour,
    activity.last_failed_hour
from audit.rule as rule
join audit.watched_table as watched
    on watched.table_id = rule.table_id
left join audit.table_counter as rows
    on rows.table_id = rule.table_id
left join audit.rule_counter as counter
    on counter.rule_id = rule.rule_id
cross join lateral (
    select count(*) as groups
    from audit.time_rule_state as state
    where state.rule_id = rule.rule_id
) as timed
left join (
    select
        hours.rule_id,
        min(hours.hour) as first_failed_hour,
        max(hours.hour) as last_failed_hour
    from audit.rule_activity as hours
    where hours.failed > 0
    group by hours.rule_id
) as activity
    on activity.rule_id = rule.rule_id
where rule.retired_at is null
    and watched.unwatched_at is null;

comment on view audit.rule_status is 'Every rule in force: what it says, how many rows fail it now, since when it fails.';
comment on column audit.rule_status.rule_id is 'The number by which findings name the rule. References audit.rule.';
comment on column audit.rule_status.table_id is 'The watched table. References audit.watched_table.';
comment on column audit.rule_status.table_name is 'Schema and name of the table.';
comment on column audit.rule_status.name is 'Name of the rule.';
comment on column audit.rule_status.kind is 'What is compared with what.';
comment on column audit.rule_status.class is 'What it looks at: row, lookup, transition (an update), statement (who writes) or time (asked by the tick). Of the last three no row can be said to fail now.';
comment on column audit.rule_status.columns is 'The columns that the rule reads.';
comment on column audit.rule_status.definition is 'The options of the kind.';
comment on column audit.rule_status.condition is 'The rule is about rows for which this SQL condition is true; null means about all.';
comment on column audit.rule_status.severity is 'critical (business critical), important, normal, low.';
comment on column audit.rule_status.action is 'What happens to a failing row: flag, quarantine, reject.';
comment on column audit.rule_status.owner is 'Who has to fix what fails: the owner of the rule, or else of the table.';
comment on column audit.rule_status.why is 'Why the rule exists.';
comment on column audit.rule_status.fix_within is 'How long after it was found a failure may last.';
comment on column audit.rule_status.mostly is 'The share of rows that has to pass; null means all of them.';
comment on column audit.rule_status.shadow is 'It is evaluated and counted, but never acts and never alerts.';
comment on column audit.rule_status.rows is 'Rows in the table now; of a time-driven rule the groups that were asked.';
comment on column audit.rule_status.failing is 'Rows that fail the rule now; groups of a time-driven rule.';
comment on column audit.rule_status.errors is 'Statements for which the rule could not be evaluated.';
comment on column audit.rule_status.taken_as_failing is 'Rows that fail the rule now, or 0 for a rule on trial and for one that enough rows pass.';
comment on column audit.rule_status.first_failed_hour is 'Start of the first hour in which a written row failed; null if none ever did.';
comment on column audit.rule_status.last_failed_hour is 'Start of the last hour in which a written row failed.';
