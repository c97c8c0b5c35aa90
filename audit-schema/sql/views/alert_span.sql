-- Alerts from opening to resolution, with what they are about in words. What was only pending, and went away before
-- anybody was told, is left out.
create or replace view audit.alert_span as
select
    alert.alert_id,
    alert.policy,
    coalesce(
        watched.name || ' · ' || rule.name,
        (
            select nullif(string_agg(value.text, ', ' order by value.name), '')
            from pg_catalog.jsonb_each_text(alert.group_values) as value (name, text)
        ),
        watched.name,
        ''
    ) as about,
    alert.title,
    alert.severity,
    alert.owner,
    alert.state,
    alert.opened_at,
    alert.fired_at,
    alert.acknowledged_at,
    alert.resolved_at,
    coalesce(rule.table_id, alert.table_id) as table_id
from audit.alert as alert
left join audit.rule as rule
    on rule.rule_id = alert.rule_id
left join audit.watched_table as watched
    on watched.table_id = coalesce(rule.table_id, alert.table_id)
where alert.fired_at is not null;

comment on view audit.alert_span is 'Alerts that people were told of, from opening to resolution, with what they are about in words.';
comment on column audit.alert_span.alert_id is 'Identifies the episode. References audit.alert.';
comment on column audit.alert_span.policy is 'Name of the alert policy.';
comment on column audit.alert_span.about is 'Table and rule, or the values of the group, or the table.';
comment on column audit.alert_span.title is 'One sentence with the numbers, as last observed while it held.';
comment on column audit.alert_span.severity is 'critical (business critical), important, normal, low.';
comment on column audit.alert_span.owner is 'Who has to act.';
comment on column audit.alert_span.state is 'firing, acknowledged, snoozed or resolved.';
comment on column audit.alert_span.opened_at is 'When the condition was first seen to hold.';
comment on column audit.alert_span.fired_at is 'When people were told.';
comment on column audit.alert_span.acknowledged_at is 'When somebody took it on.';
comment on column audit.alert_span.resolved_at is 'When it ended; null while it is open.';
comment on column audit.alert_span.table_id is 'The table it is about, where it is about one. References audit.watched_table.';
