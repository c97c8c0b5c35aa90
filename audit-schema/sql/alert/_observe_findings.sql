-- Looks at what was found lately, through the eyes of one policy. It counts the findings whose rows were written within its
-- time before the clock, also of rules about changes, which have no counter: findings (statements), failed (rows), errors,
-- and rejected (rows, as far as the evidence was kept).
create or replace function audit._observe_findings(policy audit.alert_policy, clock timestamptz)
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
                rule.severity,
                rule.action,
                coalesce(nullif(rule.owner, ''), watched.owner) as owner,
                watched.owner as table_owner,
                rule.why,
                counted.findings,
                counted.failed,
                counted.errors,
                coalesce(refused.rejected, 0)::bigint as rejected
            from audit.rule as rule
            join audit.watched_table as watched on watched.table_id = rule.table_id and watched.unwatched_at is null
            cross join lateral (
                select
                    count(*) filter (where finding.new_failed > 0) as findings,
                    coalesce(sum(finding.new_failed), 0)::bigint as failed,
                    count(finding.error) as errors
                from audit.finding as finding
                where finding.rule_id = rule.rule_id
                    and coalesce(finding.occurred_at, finding.at) > $2 - $3
                    and coalesce(finding.occurred_at, finding.at) <= $2
                    and finding.action <> 'shadow'
            ) as counted
            left join (
                select evidence.rule_id, sum(evidence.rows) as rejected
                from audit.rejected_rule as evidence
                where evidence.at > $2 - $3
                    and evidence.at <= $2
                group by evidence.rule_id
            ) as refused on refused.rule_id = rule.rule_id
            where rule.retired_at is null
                and not rule.shadow
        $source$,
        array['findings', 'failed', 'errors', 'rejected']
    );
$$;

comment on function audit._observe_findings(audit.alert_policy, timestamptz) is 'Looks at what was found lately, through the eyes of one alert policy.';
revoke all on function audit._observe_findings(audit.alert_policy, timestamptz) from public;
