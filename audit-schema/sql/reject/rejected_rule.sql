-- The rejections whose evidence was kept, one row for each rule that refused.
create or replace view audit.rejected_rule as
select
    rejection.rejection_id,
    coalesce((rejection.evidence ->> 'occurred_at')::timestamptz, rejection.at) as at,
    rejection.table_id,
    rejection.evidence ->> 'table' as table_name,
    rejection.evidence ->> 'op' as op,
    (rejection.evidence ->> 'rows')::bigint as written,
    refused.place,
    rule.rule_id,
    refused.value ->> 'rule' as rule,
    refused.value ->> 'severity' as severity,
    coalesce((refused.value ->> 'rows')::bigint, 0) as rows,
    array(select json_array_elements_text(refused.value -> 'keys')) as keys,
    refused.value -> 'samples' as samples,
    refused.value ->> 'error' as error,
    refused.value ->> 'owner' as owner,
    rejection.evidence ->> 'session_role' as session_role,
    rejection.evidence ->> 'role' as role,
    rejection.evidence ->> 'actor' as actor,
    rejection.evidence ->> 'application' as application,
    rejection.evidence ->> 'client' as client,
    rejection.evidence ->> 'request_id' as request_id
from audit.rejection as rejection
cross join lateral json_array_elements(rejection.evidence -> 'rejected') with ordinality as refused (value, place)
left join lateral (
    -- A rule that was declared anew has several versions: the one that was in force.
    select version.rule_id
    from audit.rule as version
    where version.table_id = rejection.table_id
        and version.name = refused.value ->> 'rule'
        and version.declared_at <= rejection.at
    order by version.declared_at desc
    limit 1
) as rule on true;

comment on view audit.rejected_rule is 'The rejections whose evidence was kept, one row for each rule that refused.';
comment on column audit.rejected_rule.rejection_id is 'Identifies the rejection.';
comment on column audit.rejected_rule.at is 'When it would have happened, if the writer said so, else when it was refused.';
comment on column audit.rejected_rule.table_id is 'The watched table.';
comment on column audit.rejected_rule.table_name is 'Schema and name of the table.';
comment on column audit.rejected_rule.op is 'insert or update.';
comment on column audit.rejected_rule.written is 'How many rows the statement wrote.';
comment on column audit.rejected_rule.place is 'Order of the rules of one rejection.';
comment on column audit.rejected_rule.rule_id is 'The rule; null if the evidence names none that is known.';
comment on column audit.rejected_rule.rule is 'Name of the rule.';
comment on column audit.rejected_rule.severity is 'critical (business critical), important, normal, low.';
comment on column audit.rejected_rule.rows is 'How many of the rows fail the rule.';
comment on column audit.rejected_rule.keys is 'Primary keys of the first ten of them, as text.';
comment on column audit.rejected_rule.samples is 'The columns of the rule of the first three of them.';
comment on column audit.rejected_rule.error is 'Why the rule could not be evaluated, if it blocks for that.';
comment on column audit.rejected_rule.owner is 'Who answers for the rule.';
comment on column audit.rejected_rule.session_role is 'The role that logged in.';
comment on column audit.rejected_rule.role is 'The role set by SET ROLE.';
comment on column audit.rejected_rule.actor is 'The person on whose behalf an application wrote.';
comment on column audit.rejected_rule.application is 'application_name of the session.';
comment on column audit.rejected_rule.client is 'Network address of the client.';
comment on column audit.rejected_rule.request_id is 'The request that led to the write.';
