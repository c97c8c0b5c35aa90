-- Writes down that an attempt failed, and when to try again: not before the provider allows it. After the last attempt, or
-- when trying again is pointless, the delivery is dead. Gives the new state; null if the lease was lost.
create or replace function audit.fail_delivery(
    delivery uuid,
    token uuid,
    error text,
    status integer default null,
    retry_after interval default null,
    permanent boolean default false,
    last_attempt integer default 10,
    jitter double precision default random(),
    wall timestamptz default null
)
    returns text
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    failed audit.outbox;
begin
    wall := coalesce(wall, clock_timestamp());
    update audit.outbox as kept
    set state = case when permanent or kept.attempt >= last_attempt then 'dead' else 'ready' end,
        due_at = wall + greatest(coalesce(retry_after, interval '0'), audit._backoff(kept.attempt, jitter)),
        lease_until = null,
        lease_token = null,
        last_error = error
    where kept.delivery_id = delivery
        and kept.lease_token = token
    returning kept.* into failed;
    if not found then
        return null;
    end if;

    insert into audit.delivery_attempt (delivery_id, attempt, worker, outcome, status, error, retry_at, ended_at)
    values (failed.delivery_id, failed.attempt, failed.worker, case when failed.state = 'dead' then 'dead' else 'failed' end,
        status, error, case when failed.state = 'ready' then failed.due_at end, wall);
    return failed.state;
end;
$$;

comment on function audit.fail_delivery(uuid, uuid, text, integer, interval, boolean, integer, double precision, timestamptz) is 'Writes down that an attempt failed, and when to try again.';
revoke all on function audit.fail_delivery(uuid, uuid, text, integer, interval, boolean, integer, double precision, timestamptz) from public;
