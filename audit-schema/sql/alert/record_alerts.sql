-- Writes what a tick found: new and changed episodes, their transitions, and the deliveries these cause. Each element of
-- the array is an episode as it is now, with "transitions": [{"from", "to", "reason", "message": firing|repeat|resolved}].
-- Gives the number of notices that no route sends anywhere.
create or replace function audit.record_alerts(clock timestamptz, episodes jsonb)
    returns bigint
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    episode audit.alert;
    element jsonb;
    transition jsonb;
    transition_id bigint;
    notices jsonb[] := '{}';
begin
    for element in select value from jsonb_array_elements(episodes) loop
        episode := jsonb_populate_record(null::audit.alert, element);
        if episode.alert_id is null then
            insert into audit.alert (fingerprint, policy, alert_policy_id, rule_id, table_id, group_values, severity, title,
                owner, runbook, time_zone, state, opened_at, fired_at, acknowledged_at, acknowledged_by, snoozed_until,
                last_held_at, notified_at, clear_since, resolved_at, stays_resolved, muted, unattended_since, escalated_at, observed)
            values (episode.fingerprint, episode.policy, episode.alert_policy_id, episode.rule_id, episode.table_id,
                coalesce(episode.group_values, '{}'), episode.severity, episode.title, coalesce(episode.owner, ''),
                episode.runbook, episode.time_zone, episode.state, episode.opened_at, episode.fired_at,
                episode.acknowledged_at, episode.acknowledged_by, episode.snoozed_until, episode.last_held_at,
                episode.notified_at, episode.clear_since, episode.resolved_at, coalesce(episode.stays_resolved, false),
                episode.muted, episode.unattended_since, episode.escalated_at, coalesce(episode.observed, '{}'))
            returning alert_id into episode.alert_id;
        else
            update audit.alert as kept
            set alert_policy_id = episode.alert_policy_id,
                rule_id = episode.rule_id,
                table_id = episode.table_id,
                severity = episode.severity,
                title = episode.title,
                owner = coalesce(episode.owner, ''),
                runbook = episode.runbook,
                state = episode.state,
                opened_at = episode.opened_at,
                fired_at = episode.fired_at,
                acknowledged_at = episode.acknowledged_at,
                acknowledged_by = episode.acknowledged_by,
                snoozed_until = episode.snoozed_until,
                last_held_at = episode.last_held_at,
                notified_at = episode.notified_at,
                clear_since = episode.clear_since,
                reopened = episode.reopened,
                resolved_at = episode.resolved_at,
                stays_resolved = episode.stays_resolved,
                muted = episode.muted,
                unattended_since = episode.unattended_since,
                escalated_at = episode.escalated_at,
                observed = episode.observed
            where kept.alert_id = episode.alert_id;
        end if;

        for transition in select value from jsonb_array_elements(coalesce(element -> 'transitions', '[]')) loop
            insert into audit.alert_transition (alert_id, from_state, to_state, at, actor, reason, title, observed)
            values (episode.alert_id, transition ->> 'from', transition ->> 'to', clock, 'tick',
                coalesce(transition ->> 'reason', ''),
                coalesce(element ->> 'title_now', episode.title),
                coalesce(element -> 'observed_now', episode.observed))
            returning alert_transition_id into transition_id;

            if transition ->> 'message' is not null then
                notices := notices || jsonb_build_object(
                    'alert_id', episode.alert_id,
                    'transition_id', transition_id,
                    'kind', transition ->> 'message',
                    'severity', episode.severity
                );
            end if;
        end loop;
    end loop;

    -- The worst first: when a channel gets too many, the rest shares one message.
    return audit._enqueue(
        (
            select coalesce(jsonb_agg(notice order by
                array_position(array['critical', 'important', 'normal', 'low'], notice ->> 'severity'),
                (notice ->> 'transition_id')::bigint
            ), '[]')
            from unnest(notices) as notice
        ),
        clock
    );
end;
$$;

comment on function audit.record_alerts(timestamptz, jsonb) is 'Writes what a tick found: episodes, their transitions, and the deliveries these cause.';
revoke all on function audit.record_alerts(timestamptz, jsonb) from public;
