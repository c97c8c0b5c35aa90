-- How every time-driven rule in force is, by group, with names instead of numbers. A rule that was not asked yet has no row.
create or replace view audit.time_rule_status as
select
    state.rule_id,
    rule.table_id,
    watched.name as table_name,
    rule.name,
    rule.kind,
    rule.severity,
    coalesce(nullif(rule.owner, ''), watched.owner) as owner,
    rule.shadow,
    state.group_values,
    state.state,
    state.fails,
    state.since,
    state.checked_at,
    state.value,
    state.expected,
    state.detail,
    state.samples
from audit.time_rule_state as state
join audit.rule as rule
    on rule.rule_id = state.rule_id
join audit.watched_table as watched
    on watched.table_id = rule.table_id
where rule.retired_at is null
    and watched.unwatched_at is null;

comment on view audit.time_rule_status is 'How every time-driven rule in force is, by group: state, since when, what was found and what was expected.';
comment on column audit.time_rule_status.rule_id is 'The rule. References audit.rule.';
comment on column audit.time_rule_status.table_id is 'The watched table. References audit.watched_table.';
comment on column audit.time_rule_status.table_name is 'Schema and name of the table.';
comment on column audit.time_rule_status.name is 'Name of the rule.';
comment on column audit.time_rule_status.kind is 'fresh, gap, row_count, volume, reconcile, sql or bounds.';
comment on column audit.time_rule_status.severity is 'critical (business critical), important, normal, low.';
comment on column audit.time_rule_status.owner is 'Who has to fix what fails.';
comment on column audit.time_rule_status.shadow is 'It is asked and its answers are kept, but it never alerts.';
comment on column audit.time_rule_status.group_values is 'The group; empty for a rule without groups, and for an answer that is about a rule as a whole.';
comment on column audit.time_rule_status.state is 'ok, failing, no_data (there is nothing to judge), error (the rule itself raised an error or took too long).';
comment on column audit.time_rule_status.fails is 'Whether it is taken as failing: failing always is, no_data and error as the rule declares.';
comment on column audit.time_rule_status.since is 'Since when it is in this state, by the clock of the tick.';
comment on column audit.time_rule_status.checked_at is 'When it was last asked, by the clock of the tick.';
comment on column audit.time_rule_status.value is 'What was found.';
comment on column audit.time_rule_status.expected is 'What should be found.';
comment on column audit.time_rule_status.detail is 'What was found, in words; for an error its message.';
comment on column audit.time_rule_status.samples is 'The first rows of a query, or the first stretches without a row.';
