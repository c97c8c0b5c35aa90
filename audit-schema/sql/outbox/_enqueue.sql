-- Puts notices, the worst first, into the outbox: [{"alert_id", "transition_id", "kind"}]. In each channel that is to hear
-- of them, those of one policy share a message, unless the policy says each; what comes outside of the channel's hours waits
-- for them, in one message; what is for a digest is collected in the one that goes out next; and the last message of those
-- that a channel may get in a minute speaks for all that follow.
-- Gives the number of notices that no route sends anywhere.
create or replace function audit._enqueue(notices jsonb, clock timestamptz)
    returns bigint
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
    -- Days of other zones are not all of the same length, and here they are added to times.
    set timezone = 'UTC'
as $$
declare
    copies jsonb;
    parcel record;
    unrouted bigint;
    recent bigint;
    full_up boolean;
    wall timestamptz;
    delivery uuid;
begin
    select
        coalesce(jsonb_agg(to_jsonb(notice.*) || jsonb_build_object('channel_id', way.channel_id, 'wait', way.wait, 'digest', way.digest)
            order by notice.place) filter (where way.channel_id is not null), '[]'),
        count(*) filter (where way.channel_id is null)
    into copies, unrouted
    from (
        select
            item.place,
            item.alert_id,
            item.transition_id,
            item.kind,
            case
                when episode.policy = 'pipeline' or policy.definition ->> 'messages' = 'each' then item.transition_id::text
                else episode.policy
            end as together
        from rows from (
            jsonb_to_recordset(notices) as (alert_id uuid, transition_id bigint, kind text)
        ) with ordinality as item (alert_id, transition_id, kind, place)
        join audit.alert as episode on episode.alert_id = item.alert_id
        left join audit.alert_policy as policy on policy.alert_policy_id = episode.alert_policy_id
    ) as notice
    left join lateral audit._ways_for(notice.alert_id, notice.kind, clock) as way on true;

    for parcel in
        select
            copy.channel_id,
            channel.per_minute,
            copy.wait,
            copy.digest,
            (array_agg(copy.alert_id order by copy.place))[1] as alert_id,
            array_agg(copy.transition_id order by copy.place) as transitions,
            case when count(*) = 1 then min(copy.kind) else 'several' end as kind
        from jsonb_to_recordset(copies)
            as copy (place bigint, alert_id uuid, transition_id bigint, kind text, together text, channel_id integer, wait interval, digest boolean)
        join audit.channel as channel on channel.channel_id = copy.channel_id
        group by copy.channel_id, channel.per_minute, copy.wait, copy.digest, case when not copy.digest then copy.together end
        order by copy.channel_id, min(copy.place)
    loop
        select count(*) into recent
        from audit.outbox as sent
        where sent.channel_id = parcel.channel_id
            and sent.kind <> 'digest'
            and sent.at > clock - interval '1 minute'
            and sent.at <= clock;
        full_up := recent >= parcel.per_minute - 1 and not parcel.digest;

        wall := clock_timestamp();
        delivery := gen_random_uuid();
        -- Only a message that nobody has begun to send can still take something in; and nothing waits longer than it must.
        update audit.outbox as kept
        set more = kept.more || parcel.transitions, kind = case when parcel.digest then 'digest' else 'several' end
        where kept.delivery_id = (
            select waiting.delivery_id
            from audit.outbox as waiting
            where waiting.channel_id = parcel.channel_id
                and waiting.state = 'ready'
                and waiting.attempt = 0
                and waiting.message is null
                and (waiting.kind = 'digest') = parcel.digest
                and case
                    -- A digest that should be out already takes in more; one that is to come, what goes out with it.
                    when parcel.digest then
                        waiting.due_at <= wall or waiting.at + (waiting.due_at - waiting.created_at) = clock + parcel.wait
                    else
                        (waiting.due_at > wall or full_up and waiting.kind = 'several')
                        and waiting.at + (waiting.due_at - waiting.created_at) <= clock + parcel.wait + interval '1 minute'
                end
            order by waiting.created_at desc
            limit 1
            for update skip locked
        );
        continue when found;

        insert into audit.outbox
            (delivery_id, alert_id, alert_transition_id, channel_id, kind, more, thread, at, created_at, due_at)
        values (
            delivery,
            parcel.alert_id,
            parcel.transitions[1],
            parcel.channel_id,
            case when parcel.digest then 'digest' when full_up then 'several' else parcel.kind end,
            parcel.transitions[2:],
            case when parcel.digest then delivery else audit._thread(parcel.alert_id, parcel.channel_id) end,
            clock,
            wall,
            wall + case
                when full_up and recent >= parcel.per_minute then greatest(parcel.wait, interval '1 minute')
                else parcel.wait
            end
        );
    end loop;
    return unrouted;
end;
$$;

comment on function audit._enqueue(jsonb, timestamptz) is 'Puts notices into the outbox, for every channel that is to hear of them.';
revoke all on function audit._enqueue(jsonb, timestamptz) from public;
