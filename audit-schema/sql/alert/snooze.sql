-- Silences an alert until a time. If its condition still holds then, it fires again.
create or replace function audit.snooze(alert uuid, until timestamptz, reason text default '', clock timestamptz default now())
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
    where episode.alert_id = snooze.alert
    for update;

    if previous is null or previous = 'resolved' then
        raise exception 'alert % is %, and can not be snoozed', alert, coalesce(previous, 'unknown')
            using errcode = 'AU002', constraint = 'snoozed_alert_is_open',
                hint = 'Only an open alert can be snoozed.';
    end if;

    update audit.alert as episode
    set state = 'snoozed', snoozed_until = snooze.until
    where episode.alert_id = snooze.alert;

    insert into audit.alert_transition (alert_id, from_state, to_state, at, actor, reason, title, observed)
    select episode.alert_id, previous, 'snoozed', clock, person, snooze.reason, episode.title, episode.observed
    from audit.alert as episode
    where episode.alert_id = snooze.alert;
end;
$$;

comment on function audit.snooze(uuid, timestamptz, text, timestamptz) is 'Silences an alert until a time. If its condition still holds then, it fires again.';
revoke all on function audit.snooze(uuid, timestamptz, text, timestamptz) from public;
