-- Gives a delivery back that was claimed but not tried, without counting an attempt. False if the lease was lost.
create or replace function audit.release_delivery(delivery uuid, token uuid, wait interval default interval '0', wall timestamptz default null)
    returns boolean
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    update audit.outbox as kept
    set state = 'ready',
        attempt = kept.attempt - 1,
        due_at = coalesce(wall, clock_timestamp()) + wait,
        lease_until = null,
        lease_token = null
    where kept.delivery_id = delivery
        and kept.lease_token = token;
    return found;
end;
$$;

comment on function audit.release_delivery(uuid, uuid, interval, timestamptz) is 'Gives a delivery back that was claimed but not tried, without counting an attempt.';
revoke all on function audit.release_delivery(uuid, uuid, interval, timestamptz) from public;
