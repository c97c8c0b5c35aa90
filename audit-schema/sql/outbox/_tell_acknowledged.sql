-- Tells those who keep incidents of their own, and remind people of them, that somebody took an alert on. To people it is no
-- news.
create or replace function audit._tell_acknowledged(moved audit.alert_transition)
    returns void
    language sql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    insert into audit.outbox (alert_id, alert_transition_id, channel_id, kind, thread, at)
    select moved.alert_id, moved.alert_transition_id, channel.channel_id, 'acknowledged',
        audit._thread(moved.alert_id, channel.channel_id), moved.at
    from audit._channels_told_of(moved.alert_id) as told (channel_id)
    join audit.channel as channel on channel.channel_id = told.channel_id
    where channel.provider = 'pagerduty';
$$;

comment on function audit._tell_acknowledged(audit.alert_transition) is 'Tells those who keep incidents of their own that somebody took an alert on.';
revoke all on function audit._tell_acknowledged(audit.alert_transition) from public;
