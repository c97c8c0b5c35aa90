-- The channels that are in force, and what waits for them.
create or replace view audit.channel_state as
select
    channel.channel_id,
    channel.name,
    channel.provider,
    channel.paused_at,
    channel.paused_why,
    coalesce(deliveries.waiting, 0) as waiting,
    coalesce(deliveries.collected, 0) as collected,
    coalesce(deliveries.dead, 0) as dead,
    coalesce(deliveries.delivered, 0) as delivered,
    deliveries.waiting_since
from audit.channel as channel
left join lateral (
    select
        count(*) filter (where delivery.state in ('ready', 'sending') and not kept.for_later) as waiting,
        coalesce(sum(1 + cardinality(delivery.more)) filter (where kept.for_later), 0) as collected,
        count(*) filter (where delivery.state = 'dead') as dead,
        count(*) filter (where delivery.state = 'delivered') as delivered,
        min(delivery.created_at) filter (where delivery.state in ('ready', 'sending') and not kept.for_later) as waiting_since
    from audit.outbox as delivery
    join audit.channel as former on former.channel_id = delivery.channel_id
    cross join lateral (
        select delivery.kind = 'digest' and delivery.state = 'ready' and delivery.due_at > clock_timestamp() as for_later
    ) as kept
    where former.name = channel.name
) as deliveries on true
where channel.retired_at is null;

comment on view audit.channel_state is 'The channels that are in force, and what waits for them.';
comment on column audit.channel_state.channel_id is 'The number of the channel.';
comment on column audit.channel_state.name is 'The name of the channel.';
comment on column audit.channel_state.provider is 'Which wire format it speaks.';
comment on column audit.channel_state.paused_at is 'When it was paused; null while it is used.';
comment on column audit.channel_state.paused_why is 'What the provider answered.';
comment on column audit.channel_state.waiting is 'Messages that wait, or are being sent.';
comment on column audit.channel_state.collected is 'News that are collected for the digest to come.';
comment on column audit.channel_state.dead is 'Messages that were given up.';
comment on column audit.channel_state.delivered is 'Messages that were delivered.';
comment on column audit.channel_state.waiting_since is 'Since when the oldest message waits, by the clock of the server.';
