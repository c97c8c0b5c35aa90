-- Looks at what somebody should have put right by now (fix_within), through the eyes of one policy: overdue (rows that have
-- failed, or waited in quarantine, for too long), failing and held. It matters one step more than the rule itself.
create or replace function audit._observe_overdue(policy audit.alert_policy, clock timestamptz)
    returns setof jsonb
    language sql
    stable
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    select audit._observe_per(
        policy,
        clock,
        $source$
            select
                rule.rule_id,
                rule.table_id,
                watched.name as "table",
                rule.name as rule,
                rule.kind,
                (array['critical', 'critical', 'important', 'normal'])[
                    array_position(array['critical', 'important', 'normal', 'low'], rule.severity)
                ] as severity,
                rule.action,
                coalesce(nullif(rule.owner, ''), watched.owner) as owner,
                watched.owner as table_owner,
                rule.why,
                coalesce(unfixed.overdue, 0) + aside.overdue as overdue,
                coalesce(unfixed.failing, 0) as failing,
                aside.held
            from audit.rule as rule
            join audit.watched_table as watched on watched.table_id = rule.table_id and watched.unwatched_at is null
            left join audit.unfixed_failure as unfixed on unfixed.rule_id = rule.rule_id
            cross join lateral (
                select
                    count(*) as held,
                    count(*) filter (where coalesce(held.occurred_at, held.at) + rule.fix_within < $2) as overdue
                from audit.quarantine as held
                where held.table_id = rule.table_id
                    and held.state = 'held'
                    and rule.action = 'quarantine'
                    and rule.rule_id = any (held.rules)
            ) as aside
            where rule.retired_at is null
                and not rule.shadow
                and rule.fix_within is not null
        $source$,
        array['overdue', 'failing', 'held']
    );
$$;

comment on function audit._observe_overdue(audit.alert_policy, timestamptz) is 'Looks at what somebody should have put right by now, through the eyes of one alert policy.';
revoke all on function audit._observe_overdue(audit.alert_policy, timestamptz) from public;
