-- Writes down that the provider refused our credentials: the channel is paused and its deliveries wait, none lost and no
-- attempt counted. False if the lease was lost.
create or replace function audit.refuse_delivery(
    delivery uuid,
    token uuid,
    error text,
    status integer default null,
    wall timestamptz default null
)
    returns boolean
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    refused audit.outbox;
begin
    wall := coalesce(wall, clock_timestamp());
    update audit.outbox as kept
    set state = 'ready',
        attempt = kept.attempt - 1,
        due_at = wall,
        lease_until = null,
        lease_token = null,
        last_error = error
    where kept.delivery_id = delivery
        and kept.lease_token = token
    returning kept.* into refused;
    if not found then
        return false;
    end if;

    insert into audit.delivery_attempt (delivery_id, attempt, worker, outcome, status, error, ended_at)
    values (refused.delivery_id, refused.attempt + 1, refused.worker, 'refused', status, error, wall);

    update audit.channel as channel
    set paused_at = wall, paused_why = error
    where channel.channel_id = refused.channel_id
        and channel.paused_at is null;
    return true;
end;
$$;

comment on function audit.refuse_delivery(uuid, uuid, text, integer, timestamptz) is 'Writes down that the provider refused our credentials: the channel is paused and its deliveries wait.';
revoke all on function audit.refuse_delivery(uuid, uuid, text, integer, timestamptz) from public;
