-- The alert whose thread a message about an alert belongs to in a channel: the one in whose message the channel was first told
-- of it, and else the alert itself. A digest is nobody's thread.
create or replace function audit._thread(alert uuid, channel integer)
    returns uuid
    language sql
    stable
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(
        (
            select delivery.thread
            from audit.outbox as delivery
            join audit.channel as former on former.channel_id = delivery.channel_id
            join audit.channel as live on live.name = former.name and live.channel_id = channel
            where delivery.kind <> 'digest'
                and (
                    delivery.alert_id = alert
                    or delivery.kind = 'several'
                        and delivery.more && array(
                            select transition.alert_transition_id
                            from audit.alert_transition as transition
                            where transition.alert_id = alert
                        )
                )
            order by delivery.created_at
            limit 1
        ),
        alert
    );
$$;

comment on function audit._thread(uuid, integer) is 'The alert whose thread a message about an alert belongs to in a channel.';
revoke all on function audit._thread(uuid, integer) from public;
