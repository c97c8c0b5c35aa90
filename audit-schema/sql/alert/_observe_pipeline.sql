-- What the pipeline has to say about itself: a channel whose credentials were refused, and deliveries that were given up.
create or replace function audit._observe_pipeline()
    returns setof jsonb
    language sql
    stable
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    select jsonb_build_object(
        'fingerprint', audit._fingerprint('pipeline', jsonb_build_object('channel', channel.name, 'condition', condition.name)),
        'group', jsonb_build_object('channel', channel.name),
        'severity', 'critical',
        'say', condition.say,
        'holds', true,
        'observed', jsonb_build_object(
            'channel', channel.name,
            'provider', channel.provider,
            'waiting', deliveries.waiting,
            'dead', deliveries.dead,
            'error', coalesce(channel.paused_why, deliveries.last_error)
        )
    )
    from audit.channel as channel
    cross join lateral (
        select
            count(*) filter (where outbox.state in ('ready', 'sending')) as waiting,
            count(*) filter (where outbox.state = 'dead') as dead,
            max(outbox.last_error) filter (where outbox.state = 'dead') as last_error
        from audit.outbox as outbox
        where outbox.channel_id = channel.channel_id
            and outbox.state <> 'delivered'
            and (outbox.state <> 'dead' or outbox.due_at > now() - interval '1 day')
    ) as deliveries
    cross join lateral (
        values
            ('paused', channel.paused_at is not null,
                'channel {channel} is paused, {waiting} messages wait: {error}'),
            ('dead', deliveries.dead > 0,
                '{dead} messages to channel {channel} were given up: {error}')
    ) as condition (name, holds, say)
    where channel.retired_at is null
        and condition.holds;
$$;

comment on function audit._observe_pipeline() is 'What the pipeline has to say about itself: paused channels and deliveries that were given up.';
revoke all on function audit._observe_pipeline() from public;
