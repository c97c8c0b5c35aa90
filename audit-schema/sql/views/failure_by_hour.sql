-- What failed when: the hours in which written rows failed a rule, with names instead of numbers. Rules
-- on trial are left out.
create or replace view audit.failure_by_hour as
select
    activity.hour,
    rule.table_id,
    watched.name as table_name,
    activity.rule_id,
    rule.name as rule_name,
    rule.severity,
    coalesce(nullif(rule.owner, ''), watched.owner) as owner,
    activity.findings,
    activity.failed,
    rule.class
from audit.rule_activity as activity
join audit.rule as rule
    on rule.rule_id = activity.rule_id
join audit.watched_table as watched
    on watched.table_id = rule.table_id
where activity.failed > 0
    and not rule.shadow;

comment on view audit.failure_by_hour is 'What failed when: written rows that failed a rule, by rule and hour. Rules that were taken back are in it.';
comment on column audit.failure_by_hour.hour is 'Start of the hour in which the rows were written, in the time of the writer.';
comment on column audit.failure_by_hour.table_id is 'The watched table. References audit.watched_table.';
comment on column audit.failure_by_hour.table_name is 'Schema and name of the table.';
comment on column audit.failure_by_hour.rule_id is 'The rule. References audit.rule.';
comment on column audit.failure_by_hour.rule_name is 'Name of the rule.';
comment on column audit.failure_by_hour.severity is 'critical (business critical), important, normal, low.';
comment on column audit.failure_by_hour.owner is 'Who has to fix what fails: the owner of the rule, or else of the table.';
comment on column audit.failure_by_hour.findings is 'Statements with failing rows.';
comment on column audit.failure_by_hour.failed is 'Written rows that failed.';
comment on column audit.failure_by_hour.class is 'What the rule looks at: row, lookup, transition, statement, or time, of which groups fail in the place of rows.';
