-- The channels that were told of an alert and so are to hear of its end. A channel that was declared anew since then is
-- the same channel to whoever reads it.
create or replace function audit._channels_told_of(alert uuid)
    returns setof integer
    language sql
    stable
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    select distinct live.channel_id
    from (
        select delivery.channel_id
        from audit.outbox as delivery
        where delivery.alert_id = alert
        union
        select delivery.channel_id
        from audit.outbox as delivery
        where delivery.kind in ('several', 'digest')
            and delivery.more && array(
                select transition.alert_transition_id
                from audit.alert_transition as transition
                where transition.alert_id = alert
            )
    ) as told
    join audit.channel as channel on channel.channel_id = told.channel_id
    join audit.channel as live on live.name = channel.name and live.retired_at is null
    order by live.channel_id;
$$;

comment on function audit._channels_told_of(uuid) is 'The channels that were told of an alert.';
revoke all on function audit._channels_told_of(uuid) from public;
