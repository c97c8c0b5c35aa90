-- Puts one notice into the outbox, once for every channel that is to hear of it; false if none is. A channel gets at most
-- ten messages a minute: the last of them speaks for all that follow.
create or replace function audit._enqueue(alert uuid, transition bigint, kind text, clock timestamptz)
    returns boolean
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    channel record;
    per_minute constant integer := 10;
    recent bigint;
    routed boolean := false;
begin
    for channel in
        select declared.channel_id
        from audit.channel as declared
        where declared.channel_id in (
            select audit._channels_told_of(alert) where _enqueue.kind = 'resolved'
            union all
            select audit._channels_for(alert) where _enqueue.kind <> 'resolved'
        )
        order by declared.channel_id
    loop
        routed := true;

        select count(*) into recent
        from audit.outbox as delivery
        where delivery.channel_id = channel.channel_id
            and delivery.at > clock - interval '1 minute'
            and delivery.at <= clock;

        if recent >= per_minute - 1 then
            -- Only a message that nobody has begun to send can still take something in.
            update audit.outbox as delivery
            set more = delivery.more || transition
            where delivery.delivery_id = (
                select waiting.delivery_id
                from audit.outbox as waiting
                where waiting.channel_id = channel.channel_id
                    and waiting.kind = 'several'
                    and waiting.state = 'ready'
                    and waiting.attempt = 0
                    and waiting.message is null
                limit 1
                for update skip locked
            );
            continue when found;
        end if;

        insert into audit.outbox (alert_id, alert_transition_id, channel_id, kind, at, due_at)
        values (
            alert,
            transition,
            channel.channel_id,
            case when recent >= per_minute - 1 then 'several' else _enqueue.kind end,
            clock,
            clock_timestamp() + case when recent >= per_minute then interval '1 minute' else interval '0' end
        );
    end loop;
    return routed;
end;
$$;

comment on function audit._enqueue(uuid, bigint, text, timestamptz) is 'Puts one notice into the outbox, once for every channel that is to hear of it.';
revoke all on function audit._enqueue(uuid, bigint, text, timestamptz) from public;
