-- What shows how a rule fails, from its newest findings until a time: the first keys, who wrote them, and how many rows
-- failed in each of the 24 hours before. Bounded, because a message is made while somebody waits for it.
create or replace function audit._evidence(rule integer, until timestamptz)
    returns jsonb
    language sql
    stable
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    with newest as materialized (
        select
            coalesce(finding.occurred_at, finding.at) as at,
            finding.new_failed,
            finding.keys,
            coalesce(finding.actor, finding.session_role) as writer
        from audit.finding as finding
        where finding.rule_id = rule
        order by finding.at desc
        limit 1000
    ), failing as materialized (
        select newest.*
        from newest
        where newest.new_failed > 0
            and newest.at <= until
            and newest.at > until - interval '24 hours'
    )
    select jsonb_build_object(
        'keys', array(
            select sample.key
            from (
                select named.key, max(failing.at) as at
                from failing
                cross join lateral unnest(failing.keys[:5]) as named (key)
                where named.key is not null
                group by named.key
            ) as sample
            order by sample.at desc, sample.key
            limit 5
        ),
        'writers', array(
            select writing.writer
            from (select failing.writer, max(failing.at) as at from failing group by failing.writer) as writing
            order by writing.at desc, writing.writer
            limit 3
        ),
        'trend', array(
            select coalesce(sum(failing.new_failed), 0)
            from generate_series(24, 1, -1) as hour (ago)
            left join failing
                on failing.at > until - interval '1 hour' * hour.ago
                and failing.at <= until - interval '1 hour' * (hour.ago - 1)
            group by hour.ago
            order by hour.ago desc
        )
    );
$$;

comment on function audit._evidence(integer, timestamptz) is 'What shows how a rule fails, from its newest findings until a time.';
revoke all on function audit._evidence(integer, timestamptz) from public;
