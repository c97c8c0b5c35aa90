-- What somebody has to put right, and what should have been put right by now. Rows that fail now and were not written
-- within the last fix_within must be older than that. When corrections took back newer failures first there are more,
-- so this is the least number; it is exact to the hour.
create or replace view audit.unfixed_failure as
select
    status.rule_id,
    status.table_id,
    status.table_name,
    status.name,
    status.severity,
    status.owner,
    status.fix_within,
    status.taken_as_failing as failing,
    greatest(status.taken_as_failing - recent.failed, 0)::bigint as overdue
from audit.rule_status as status
cross join lateral (
    select pipeline.as_of
    from audit.pipeline_status as pipeline
) as clock
cross join lateral (
    select coalesce(sum(hours.failed), 0) as failed
    from audit.rule_activity as hours
    where hours.rule_id = status.rule_id
        and hours.hour > clock.as_of - status.fix_within - interval '1 hour'
) as recent
where status.fix_within is not null
    and status.taken_as_failing > 0;

comment on view audit.unfixed_failure is 'Rules with a deadline that rows fail now: how many of the failures are older than the deadline allows.';
comment on column audit.unfixed_failure.rule_id is 'The rule. References audit.rule.';
comment on column audit.unfixed_failure.table_id is 'The watched table. References audit.watched_table.';
comment on column audit.unfixed_failure.table_name is 'Schema and name of the table.';
comment on column audit.unfixed_failure.name is 'Name of the rule.';
comment on column audit.unfixed_failure.severity is 'critical (business critical), important, normal, low.';
comment on column audit.unfixed_failure.owner is 'Who has to fix what fails.';
comment on column audit.unfixed_failure.fix_within is 'How long after it was found a failure may last.';
comment on column audit.unfixed_failure.failing is 'Rows that fail the rule now.';
comment on column audit.unfixed_failure.overdue is 'How many of them, at least, have failed for longer than fix_within.';
