-- Leases deliveries that are due to a worker, at most so many for each channel, so that one with many does not keep the
-- others waiting, with all that is needed to render and send them, and how long to wait before each: what a channel may get in a
-- second is a bucket of tokens that all workers draw from, and a claim reserves those of one more second at most. Several
-- workers may claim at once; channels that this one is still busy with are passed over. What a channel is told about one
-- alert keeps its order: a later message waits until the one before it is through. A digest keeps nothing waiting.
create or replace function audit.claim_deliveries(
    worker text,
    lease interval default interval '2 minutes',
    at_most integer default 20,
    last_attempt integer default 10,
    busy integer[] default '{}',
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
        picture bytea,
        wait interval
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
    with paced as materialized (
        select
            channel.channel_id,
            channel.per_second,
            least(
                channel.per_second,
                channel.tokens + extract(epoch from greatest(wall - channel.tokens_at, interval '0')) * channel.per_second
            ) as tokens
        from audit.channel as channel
        where channel.per_second is not null
            and channel.retired_at is null
        for no key update skip locked
    ), live as materialized (
        select
            channel.channel_id,
            channel.name,
            paced.per_second,
            paced.tokens,
            case when channel.per_second is null then at_most else least(at_most, floor(paced.tokens + paced.per_second)) end as room
        from audit.channel as channel
        left join paced on paced.channel_id = channel.channel_id
        where channel.retired_at is null
            and channel.paused_at is null
            and channel.channel_id <> all (busy)
            -- Another worker draws tokens from it at this moment.
            and (channel.per_second is null or paced.channel_id is not null)
    ), due as (
        select
            waiting.delivery_id,
            live.channel_id,
            make_interval(secs => greatest(
                0,
                (row_number() over (partition by live.channel_id order by waiting.due_at, waiting.created_at) - live.tokens) / live.per_second
            )) as wait
        from live
        join audit.channel as former on former.name = live.name
        cross join lateral (
            -- In the order of the index, so that a long queue is not sorted for a few of it.
            select delivery.delivery_id, delivery.due_at, delivery.created_at
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
                        and earlier.kind <> 'digest'
                )
            order by delivery.due_at, delivery.created_at, delivery.alert_transition_id
            limit live.room
            for update skip locked
        ) as waiting
    ), drawn as (
        update audit.channel as channel
        set tokens = paced.tokens - share.deliveries, tokens_at = wall
        from paced
        join (select due.channel_id, count(*) as deliveries from due group by due.channel_id) as share
            on share.channel_id = paced.channel_id
        where channel.channel_id = paced.channel_id
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
        returning delivery.*, due.wait
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
        case
            when claimed.kind = 'digest' then audit._digested(claimed.channel_id, claimed.alert_transition_id || claimed.more)
            else (
                select jsonb_agg(
                    audit._told(transition.id, claimed.more = '{}') || jsonb_build_object('thread', claimed.thread)
                    order by transition.position
                )
                from unnest(claimed.alert_transition_id || claimed.more) with ordinality as transition (id, position)
            )
        end,
        claimed.message,
        claimed.picture,
        claimed.wait
    from claimed
    join audit.channel as channel on channel.channel_id = claimed.channel_id
    order by claimed.due_at, claimed.created_at, claimed.alert_transition_id;
end;
$$;

comment on function audit.claim_deliveries(text, interval, integer, integer, integer[], timestamptz) is 'Leases deliveries that are due to a worker, with all that is needed to render and send them.';
revoke all on function audit.claim_deliveries(text, interval, integer, integer, integer[], timestamptz) from public;
