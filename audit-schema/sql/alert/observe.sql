-- Evaluates every alert policy at a time. Gives one object for each condition that holds, and one for each open episode
-- whose condition does not hold any more, and for each that stays resolved until it does not. A policy that can not be evaluated is itself observed, as an error, and leaves
-- its open episodes as they are; it never disturbs the others. The settings are pinned because groups are part of
-- fingerprints, which must not depend on who looks.
create or replace function audit.observe(clock timestamptz default now())
    returns setof jsonb
    language plpgsql
    stable
    security definer
    set search_path = pg_catalog, pg_temp
    set datestyle = iso, ymd
    set intervalstyle = postgres
    set timezone = utc
as $$
declare
    policy audit.alert_policy;
    seen jsonb;
    common jsonb;
    observations jsonb[];
    fingerprints text[] := '{}';
    unevaluated integer[] := '{}';
    message text;
begin
    for policy in
        select declared.*
        from audit.alert_policy as declared
        where declared.retired_at is null
        order by declared.alert_policy_id
    loop
        common := jsonb_build_object(
            'policy', policy.name,
            'alert_policy_id', policy.alert_policy_id,
            'runbook', policy.definition ->> 'runbook',
            'say', policy.definition ->> 'say',
            'when', policy.definition ->> 'when',
            'within', policy.definition ->> 'within',
            'on', policy.definition ->> 'on',
            'inhibited_by', coalesce(policy.definition -> 'inhibited_by', '[]')
        );
        begin
            common := common || jsonb_build_object('timing', audit._timing(policy.definition));
            observations := case policy.definition ->> 'on'
                when 'rules' then array(select audit._observe_rules(policy))
                when 'findings' then array(select audit._observe_findings(policy, clock))
                when 'overdue' then array(select audit._observe_overdue(policy, clock))
                else array(select audit._observe_summary(policy, clock))
            end;
        exception when others then
            get stacked diagnostics message = message_text;
            unevaluated := unevaluated || policy.alert_policy_id;
            observations := array[jsonb_build_object(
                'fingerprint', audit._fingerprint(policy.name, '{"condition": "error"}'),
                'say', 'alert policy {policy} can not be evaluated: {error}',
                'timing', '{}'::jsonb,
                'inhibited_by', '[]'::jsonb,
                'holds', true,
                'error', message,
                'observed', jsonb_build_object('policy', policy.name, 'error', message)
            )];
        end;
        foreach seen in array observations loop
            fingerprints := fingerprints || (seen ->> 'fingerprint');
            seen := common || seen;
            if policy.definition ->> 'severity' <> 'inherit' then
                seen := seen || jsonb_build_object('severity', policy.definition ->> 'severity');
            end if;
            if policy.owner <> '' then
                seen := seen || jsonb_build_object('owner', policy.owner);
            end if;
            if seen -> 'inhibited_by' ? 'parents' then
                seen := seen || jsonb_build_object('parents', audit._parents((seen ->> 'table_id')::integer));
            end if;
            return next seen || audit._names(seen);
        end loop;
    end loop;

    for seen in select audit._observe_pipeline() loop
        fingerprints := fingerprints || (seen ->> 'fingerprint');
        return next jsonb_build_object('policy', 'pipeline') || seen;
    end loop;

    -- Open episodes that nothing above speaks of: their group, rule or policy is gone. And those that a person resolved
    -- while their condition held, which has ended now.
    return query
    select jsonb_build_object(
        'policy', episode.policy,
        'alert_policy_id', episode.alert_policy_id,
        'rule_id', episode.rule_id,
        'table_id', episode.table_id,
        'group', episode.group_values,
        'fingerprint', episode.fingerprint,
        'severity', episode.severity,
        'owner', episode.owner,
        'runbook', episode.runbook,
        'time_zone', episode.time_zone,
        'holds', false,
        'gone', case
            when successor.alert_policy_id is null and episode.policy <> 'pipeline' then 'the alert policy was taken back'
            when rule.retired_at is not null then 'the rule was taken back'
            when watched.unwatched_at is not null then 'the table is not watched any more'
        end,
        'table', watched.name,
        'rule', rule.name,
        'timing', case when successor.alert_policy_id is not null then audit._timing(successor.definition) else '{}' end,
        'observed', '{}'::jsonb
    )
    from audit.alert as episode
    left join audit.alert_policy as successor on successor.name = episode.policy and successor.retired_at is null
    left join audit.rule as rule on rule.rule_id = episode.rule_id
    left join audit.watched_table as watched on watched.table_id = episode.table_id
    where (episode.state <> 'resolved' or episode.stays_resolved)
        and episode.fingerprint <> all (fingerprints)
        and coalesce(successor.alert_policy_id <> all (unevaluated), true);
end;
$$;

comment on function audit.observe(timestamptz) is 'Evaluates every alert policy at a time: what holds, and which open episodes do not hold any more.';
revoke all on function audit.observe(timestamptz) from public;
