-- Keeps a message as it was rendered for the first attempt, so that every further attempt sends the same. False if the
-- lease was lost.
create or replace function audit.keep_message(delivery uuid, token uuid, message jsonb, picture bytea default null)
    returns boolean
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    update audit.outbox as kept
    set message = keep_message.message, picture = keep_message.picture
    where kept.delivery_id = delivery
        and kept.lease_token = token;
    return found;
end;
$$;

comment on function audit.keep_message(uuid, uuid, jsonb, bytea) is 'Keeps a message as it was rendered for the first attempt, so that every further attempt sends the same.';
revoke all on function audit.keep_message(uuid, uuid, jsonb, bytea) from public;
