-- What the pipeline has to say about itself: a channel whose credentials were refused, deliveries that do not get through or
-- were given up, and recipients that hear nothing any more.
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
        'severity', condition.severity,
        'say', condition.say,
        'holds', true,
        'observed', jsonb_build_object(
            'channel', channel.name,
            'provider', channel.provider,
            'waiting', deliveries.waiting,
            'dead', deliveries.dead,
            'error', condition.error
        )
    )
    from audit.channel as channel
    cross join lateral (
        select
            count(*) filter (where outbox.state in ('ready', 'sending')) as waiting,
            count(*) filter (where outbox.state = 'dead') as dead,
            max(outbox.last_error) filter (where outbox.state = 'dead') as last_error,
            count(*) filter (where outbox.state = 'ready' and outbox.attempt >= 4) as unheard,
            max(outbox.last_error) filter (where outbox.state = 'ready' and outbox.attempt >= 4) as unheard_why
        from audit.outbox as outbox
        where outbox.channel_id = channel.channel_id
            and outbox.state <> 'delivered'
            and (outbox.state <> 'dead' or outbox.due_at > now() - interval '1 day')
    ) as deliveries
    cross join lateral (
        select string_agg(recipient.address, ', ' order by recipient.address) as addresses, min(recipient.why) as why
        from audit.dead_recipient as recipient
        where recipient.channel = channel.name
            and exists (
                select
                from unnest(array['to', 'cc', 'bcc']) as list (name)
                where channel.definition #> array[channel.provider, list.name] ? recipient.address
            )
    ) as left_out
    cross join lateral (
        values
            ('paused', 'critical', channel.paused_at is not null, channel.paused_why,
                'channel {channel} is paused, {waiting} messages wait: {error}'),
            ('unheard', 'critical', deliveries.unheard > 0 and channel.paused_at is null, deliveries.unheard_why,
                'channel {channel} is not reached, {waiting} messages wait: {error}'),
            ('dead', 'critical', deliveries.dead > 0, deliveries.last_error,
                '{dead} messages to channel {channel} were given up: {error}'),
            ('left_out', 'important', left_out.addresses is not null, left_out.addresses || ': ' || left_out.why,
                'channel {channel} leaves out who can not be reached: {error}')
    ) as condition (name, severity, holds, error, say)
    where channel.retired_at is null
        and condition.holds;
$$;

comment on function audit._observe_pipeline() is 'What the pipeline has to say about itself: channels that are not reached, deliveries that were given up, recipients that are left out.';
revoke all on function audit._observe_pipeline() from public;
