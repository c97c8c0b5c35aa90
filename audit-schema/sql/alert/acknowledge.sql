-- Takes an alert on: it stays open, and nobody is reminded of it any more.
create or replace function audit.acknowledge(alert uuid, reason text default '', clock timestamptz default now())
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    previous text;
    person text := coalesce(nullif(current_setting('audit.actor', true), ''), session_user);
begin
    select episode.state into previous
    from audit.alert as episode
    where episode.alert_id = acknowledge.alert
    for update;

    if previous is null or previous = 'resolved' then
        raise exception 'alert % is %, and can not be acknowledged', alert, coalesce(previous, 'unknown')
            using errcode = 'AU002', constraint = 'acknowledged_alert_is_open',
                hint = 'Only an open alert can be acknowledged.';
    end if;

    update audit.alert as episode
    set state = 'acknowledged', acknowledged_at = clock, acknowledged_by = person, snoozed_until = null
    where episode.alert_id = acknowledge.alert;

    insert into audit.alert_transition (alert_id, from_state, to_state, at, actor, reason, title, observed)
    select episode.alert_id, previous, 'acknowledged', clock, person, acknowledge.reason, episode.title, episode.observed
    from audit.alert as episode
    where episode.alert_id = acknowledge.alert;
end;
$$;

comment on function audit.acknowledge(uuid, text, timestamptz) is 'Takes an alert on: it stays open, and nobody is reminded of it any more.';
revoke all on function audit.acknowledge(uuid, text, timestamptz) from public;
