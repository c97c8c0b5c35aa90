-- Looks at every rule in force through the eyes of one policy: those for which its condition holds, and those that have
-- an open episode. The condition may name failing, rows, failing_ratio, errors, and what describes the rule. A rule on
-- trial (shadow) is not looked at, and one that enough rows pass (mostly) has no failing rows in the eyes of a policy. Of
-- a time-driven rule groups are counted in the place of rows.
create or replace function audit._observe_rules(policy audit.alert_policy)
    returns setof jsonb
    language plpgsql
    stable
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    return query execute format(
        $query$
            select jsonb_build_object(
                'fingerprint', audit_seen.fingerprint,
                'rule_id', audit_seen.rule_id,
                'table_id', audit_seen.table_id,
                'severity', audit_seen.severity,
                'owner', audit_seen.owner,
                'say', coalesce($2, case when audit_seen.timed is not null then '{table} {rule}: {detail}' end),
                'holds', audit_seen.holds,
                'lingers', audit_seen.lingers,
                'observed', audit_seen.observed
            )
            from (
                select
                    audit_rule.*,
                    coalesce((%1$s), false) as holds,
                    %2$s as lingers,
                    audit._fingerprint($1, jsonb_build_object('table', audit_rule."table", 'rule', audit_rule.rule)) as fingerprint,
                    jsonb_build_object(
                        'table', audit_rule."table",
                        'rule', audit_rule.rule,
                        'kind', audit_rule.kind,
                        'failing', audit_rule.failing,
                        'rows', audit_rule.rows,
                        'failing_ratio', audit_rule.failing_ratio,
                        'errors', audit_rule.errors,
                        'action', audit_rule.action,
                        'why', audit_rule.why
                    ) || coalesce(audit_rule.timed, '{}') as observed
                from (
                    select
                        rule.rule_id,
                        rule.table_id,
                        watched.name as "table",
                        rule.name as rule,
                        rule.kind,
                        rule.severity,
                        rule.action,
                        coalesce(nullif(rule.owner, ''), watched.owner) as owner,
                        rule.why,
                        counted.failing,
                        counter.errors,
                        counted.rows,
                        round(counted.failing / nullif(counted.rows, 0)::numeric, 6) as failing_ratio,
                        audit._time_rule_detail(rule) as timed
                    from audit.rule_counter as counter
                    join audit.rule as rule on rule.rule_id = counter.rule_id and rule.retired_at is null and not rule.shadow
                    join audit.watched_table as watched on watched.table_id = rule.table_id and watched.unwatched_at is null
                    join audit.table_counter as table_counter on table_counter.table_id = rule.table_id
                    cross join lateral (
                        select
                            case when counter.failing <= (1 - rule.mostly::numeric) * table_counter.rows then 0 else counter.failing end as failing,
                            case when rule.class = 'time' then (select count(*) from audit.time_rule_state as state where state.rule_id = rule.rule_id)
                                else table_counter.rows end as rows
                    ) as counted
                ) as audit_rule
            ) as audit_seen
            where audit_seen.holds
                or exists (
                    select from audit.alert as episode
                    where episode.fingerprint = audit_seen.fingerprint and episode.state <> 'resolved'
                )
        $query$,
        policy.definition ->> 'when',
        audit._lingers(policy.definition)
    )
    using policy.name, policy.definition ->> 'say';
end;
$$;

comment on function audit._observe_rules(audit.alert_policy) is 'Looks at every rule in force through the eyes of one alert policy.';
revoke all on function audit._observe_rules(audit.alert_policy) from public;
