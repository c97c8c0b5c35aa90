-- Looks at numbers that every rule has, through the eyes of one policy that says for what there is an alert: each rule or
-- each table. Gives those for which its condition holds, and those that have an open episode. The source is a query over $2,
-- the clock, and $3, the time within which the policy counts; it gives rule_id, table_id, "table", rule, kind, severity,
-- action, owner, why and the measures. Of a table the measures are summed up, and as bad as the worst of its rules for
-- which there is any.
create or replace function audit._observe_per(policy audit.alert_policy, clock timestamptz, source text, measures text[])
    returns setof jsonb
    language plpgsql
    stable
    security definer
    set search_path = pg_catalog, pg_temp
    set standard_conforming_strings = on
as $$
declare
    subject text := 'select audit_rule.* from audit_rule';
    any_measure text := array_to_string(measures, ' > 0 or ') || ' > 0';
begin
    if policy.definition ->> 'per' = 'table' then
        subject := format(
            $subject$
                select null::integer as rule_id, table_id, "table", max(table_owner) as owner, %s,
                    audit._worst(array_agg(severity) filter (where %s)) as severity,
                    count(*) filter (where %2$s) as rules
                from audit_rule
                group by table_id, "table"
            $subject$,
            (select string_agg(format('sum(%1$I)::bigint as %1$I', measure), ', ') from unnest(measures) as measure),
            any_measure
        );
    end if;

    return query execute format(
        $query$
            with audit_rule as (%1$s), audit_subject as (%2$s)
            select jsonb_build_object(
                'fingerprint', audit_seen.fingerprint,
                'rule_id', audit_seen.rule_id,
                'table_id', audit_seen.table_id,
                'severity', audit_seen.severity,
                'owner', audit_seen.owner,
                'holds', audit_seen.holds,
                'lingers', audit_seen.lingers,
                'observed', audit_seen.observed
            )
            from (
                select
                    audit_subject.*,
                    coalesce((%3$s), false) as holds,
                    %4$s as lingers,
                    audit._fingerprint($1, jsonb_strip_nulls(jsonb_build_object(
                        'table', audit_subject."table", 'rule', to_jsonb(audit_subject.*) ->> 'rule'
                    ))) as fingerprint,
                    to_jsonb(audit_subject.*) - array['rule_id', 'table_id', 'severity', 'owner', 'table_owner'] as observed
                from audit_subject
            ) as audit_seen
            where audit_seen.holds
                or exists (
                    select from audit.alert as episode
                    where episode.fingerprint = audit_seen.fingerprint and episode.state <> 'resolved'
                )
        $query$,
        source,
        subject,
        policy.definition ->> 'when',
        audit._lingers(policy.definition)
    )
    using policy.name, clock, (policy.definition ->> 'within')::interval;
end;
$$;

comment on function audit._observe_per(audit.alert_policy, timestamptz, text, text[]) is 'Looks at numbers that every rule has, through the eyes of one alert policy.';
revoke all on function audit._observe_per(audit.alert_policy, timestamptz, text, text[]) from public;
