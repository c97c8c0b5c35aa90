-- What a message has to tell: a transition with the alert it belongs to; and, where the message is about nothing else, what
-- shows how it came to that.
create or replace function audit._told(transition bigint, alone boolean)
    returns jsonb
    language sql
    stable
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    select jsonb_build_object(
        'alert', to_jsonb(episode.*),
        'transition', to_jsonb(told.*),
        'table', watched.name,
        'rule', rule.name,
        'summary', case when policy.definition ->> 'on' not in ('rules', 'findings', 'overdue') then policy.definition ->> 'on' end,
        'columns', array(
            select item ->> 'name'
            from jsonb_array_elements(
                coalesce(nullif(summary.definition -> 'group_by', 'null'), '[]')
                || coalesce(nullif(summary.definition -> 'measures', 'null'), '[]')
            ) with ordinality as declared (item, position)
            order by position
        ),
        'condition', policy.definition ->> 'when',
        'evidence', case when alone and episode.rule_id is not null then audit._evidence(episode.rule_id, told.at) end,
        'course', case when alone then audit._course(summary, policy.definition ->> 'when', episode.group_values, told.at) end
    )
    from audit.alert_transition as told
    join audit.alert as episode on episode.alert_id = told.alert_id
    left join audit.watched_table as watched on watched.table_id = episode.table_id
    left join audit.rule as rule on rule.rule_id = episode.rule_id
    left join audit.alert_policy as policy on policy.alert_policy_id = episode.alert_policy_id
    left join audit.summary as summary on summary.name = policy.definition ->> 'on' and summary.retired_at is null
    where told.alert_transition_id = transition;
$$;

comment on function audit._told(bigint, boolean) is 'What a message has to tell: a transition with the alert it belongs to.';
revoke all on function audit._told(bigint, boolean) from public;
