-- The latest episode of each fingerprint that is open, or was resolved not long before the clock and may open again. Takes
-- the lock that makes observing and recording one step, until the end of the transaction, so that two ticks at once never
-- open two episodes.
create or replace function audit.latest_episodes(clock timestamptz)
    returns setof jsonb
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    perform audit._lock_episodes();
    return query
    select to_jsonb(latest.*)
    from (
        select distinct on (episode.fingerprint) episode.*
        from audit.alert as episode
        where episode.state <> 'resolved'
            or episode.stays_resolved
            or episode.resolved_at > clock - greatest(
                interval '1 day',
                (
                    select max((policy.definition ->> 'reopen_within')::interval)
                    from audit.alert_policy as policy
                    where policy.retired_at is null
                )
            )
        order by episode.fingerprint, episode.state = 'resolved', episode.resolved_at desc
    ) as latest;
end;
$$;

comment on function audit.latest_episodes(timestamptz) is 'The latest episode of each fingerprint that is open or may open again, locked against another tick until the end of the transaction.';
revoke all on function audit.latest_episodes(timestamptz) from public;
