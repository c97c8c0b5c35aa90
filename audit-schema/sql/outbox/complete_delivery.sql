-- Writes down that the provider accepted a message. False if the lease was lost: then somebody else answers for it.
create or replace function audit.complete_delivery(
    delivery uuid,
    token uuid,
    status integer default null,
    message_id text default null,
    wall timestamptz default null
)
    returns boolean
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    done audit.outbox;
begin
    wall := coalesce(wall, clock_timestamp());
    update audit.outbox as kept
    set state = 'delivered',
        delivered_at = wall,
        provider_message_id = message_id,
        lease_until = null,
        lease_token = null,
        last_error = null,
        picture = null
    where kept.delivery_id = delivery
        and kept.lease_token = token
    returning kept.* into done;
    if not found then
        return false;
    end if;

    insert into audit.delivery_attempt (delivery_id, attempt, worker, outcome, status, ended_at)
    values (done.delivery_id, done.attempt, done.worker, 'delivered', status, wall);
    return true;
end;
$$;

comment on function audit.complete_delivery(uuid, uuid, integer, text, timestamptz) is 'Writes down that the provider accepted a message.';
revoke all on function audit.complete_delivery(uuid, uuid, integer, text, timestamptz) from public;
