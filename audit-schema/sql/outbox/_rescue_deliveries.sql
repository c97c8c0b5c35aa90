-- Takes back deliveries whose lease ran out: the worker vanished, and nobody knows whether the message went out. They are
-- tried again under the same idempotency key, or given up after the last attempt.
create or replace function audit._rescue_deliveries(last_attempt integer, wall timestamptz)
    returns void
    language sql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    with expired as (
        select delivery.delivery_id, delivery.attempt, delivery.worker
        from audit.outbox as delivery
        where delivery.state = 'sending'
            and delivery.lease_until <= wall
        for update skip locked
    ), rescued as (
        update audit.outbox as delivery
        set state = case when expired.attempt >= last_attempt then 'dead' else 'ready' end,
            due_at = wall,
            lease_until = null,
            lease_token = null,
            last_error = 'the lease ran out before `' || coalesce(expired.worker, '') || '` told what came of it'
        from expired
        where delivery.delivery_id = expired.delivery_id
        returning delivery.delivery_id, delivery.attempt, delivery.worker, delivery.state, delivery.last_error
    )
    insert into audit.delivery_attempt (delivery_id, attempt, worker, outcome, error, retry_at, ended_at)
    select rescued.delivery_id, rescued.attempt, rescued.worker,
        case when rescued.state = 'dead' then 'dead' else 'abandoned' end, rescued.last_error,
        case when rescued.state = 'ready' then wall end, wall
    from rescued;
$$;

comment on function audit._rescue_deliveries(integer, timestamptz) is 'Takes back deliveries whose lease ran out.';
revoke all on function audit._rescue_deliveries(integer, timestamptz) from public;
