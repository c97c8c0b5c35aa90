-- Leases deliveries that are due to a worker, at most so many for each channel, so that one with many does not keep the
-- others waiting, with all that is needed to render and send them. Several workers may claim at once. What a channel is
-- told about one alert keeps its order: a later message waits until the one before it is through.
create or replace function audit.claim_deliveries(
    worker text,
    lease interval default interval '2 minutes',
    at_most integer default 20,
    last_attempt integer default 10,
    wall timestamptz default null
)
    returns table (
        delivery_id uuid,
        lease_token uuid,
        attempt integer,
        kind text,
        channel_id integer,
        channel_name text,
        provider text,
        channel_definition jsonb,
        told jsonb,
        message jsonb,
        picture bytea
    )
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    wall := coalesce(wall, clock_timestamp());
    perform audit._rescue_deliveries(last_attempt, wall);

    -- A channel that was declared anew is still the same channel; one that was taken back has nobody to deliver to.
    update audit.outbox as delivery
    set state = 'dead', last_error = 'the channel was taken back'
    from audit.channel as former
    where delivery.state = 'ready'
        and former.channel_id = delivery.channel_id
        and former.retired_at is not null
        and not exists (select from audit.channel as live where live.name = former.name and live.retired_at is null);

    return query
    with due as (
        select waiting.delivery_id, live.channel_id
        from audit.channel as live
        join audit.channel as former on former.name = live.name
        cross join lateral (
            -- In the order of the index, so that a long queue is not sorted for a few of it.
            select delivery.delivery_id
            from audit.outbox as delivery
            where delivery.state = 'ready'
                and delivery.channel_id = former.channel_id
                and delivery.due_at <= wall
                and not exists (
                    select from audit.outbox as earlier
                    where earlier.thread = delivery.thread
                        and earlier.channel_id = delivery.channel_id
                        and earlier.alert_transition_id < delivery.alert_transition_id
                        and earlier.state in ('ready', 'sending')
                )
            order by delivery.due_at, delivery.created_at, delivery.alert_transition_id
            limit at_most
            for update skip locked
        ) as waiting
        where live.retired_at is null
            and live.paused_at is null
    ), claimed as (
        update audit.outbox as delivery
        set state = 'sending',
            attempt = delivery.attempt + 1,
            channel_id = due.channel_id,
            worker = claim_deliveries.worker,
            lease_until = wall + lease,
            lease_token = gen_random_uuid()
        from due
        where delivery.delivery_id = due.delivery_id
        returning delivery.*
    )
    select
        claimed.delivery_id,
        claimed.lease_token,
        claimed.attempt,
        claimed.kind,
        claimed.channel_id,
        channel.name,
        channel.provider,
        channel.definition,
        (
            select jsonb_agg(audit._told(transition.id) || jsonb_build_object('thread', claimed.thread) order by transition.position)
            from unnest(claimed.alert_transition_id || claimed.more) with ordinality as transition (id, position)
        ),
        claimed.message,
        claimed.picture
    from claimed
    join audit.channel as channel on channel.channel_id = claimed.channel_id
    order by claimed.due_at, claimed.created_at, claimed.alert_transition_id;
end;
$$;

comment on function audit.claim_deliveries(text, interval, integer, integer, timestamptz) is 'Leases deliveries that are due to a worker, with all that is needed to render and send them.';
revoke all on function audit.claim_deliveries(text, interval, integer, integer, timestamptz) from public;
