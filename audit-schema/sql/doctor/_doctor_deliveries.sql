-- What keeps messages from whoever they are for.
create or replace function audit._doctor_deliveries(late interval)
    returns table (severity text, remark text, object text, what text, todo text)
    language sql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    with live as materialized (
        select
            channel.name,
            channel.paused_why,
            count(*) filter (where delivery.state in ('ready', 'sending')) as waiting,
            min(delivery.due_at) filter (where delivery.state = 'ready') as due_since,
            count(*) filter (where delivery.state = 'dead' and delivery.due_at > clock_timestamp() - interval '1 day') as dead
        from audit.channel as channel
        join audit.channel as former on former.name = channel.name
        left join audit.outbox as delivery on delivery.channel_id = former.channel_id and delivery.state <> 'delivered'
        where channel.retired_at is null
        group by channel.name, channel.paused_why
    )
    select 'critical', 'channel_paused', format('channel %s', live.name),
        format('it was refused, and %s of its messages wait: %s', live.waiting, live.paused_why),
        format('put right what was refused, then select audit.resume_channel(%L)', live.name)
    from live
    where live.paused_why is not null
    union all
    select 'important', 'deliveries_late', format('channel %s', live.name),
        format('the first of %s that wait is due since %s, and nobody sends it', live.waiting, live.due_since),
        'run `audit-notify --follow` as a service, or audit-notify --once each minute'
    from live
    where live.paused_why is null
        and live.due_since < clock_timestamp() - late
    union all
    select 'important', 'deliveries_dead', format('channel %s', live.name),
        format('given up within a day: %s', live.dead),
        'see why with `audit deliveries list`, then audit deliveries retry'
    from live
    where live.dead > 0
    union all
    select 'normal', 'recipient_left_out', format('channel %s', recipient.channel),
        format('%s hears nothing any more: %s', recipient.address, recipient.why),
        format('take the address out of the policy, or select audit.take_back_in(%L, %L)', recipient.channel, recipient.address)
    from audit.dead_recipient as recipient
    join live on live.name = recipient.channel;
$$;

comment on function audit._doctor_deliveries(interval) is 'What keeps messages from whoever they are for.';
revoke all on function audit._doctor_deliveries(interval) from public;
