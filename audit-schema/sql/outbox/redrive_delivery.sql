-- Drives one delivery again: one that was given up from its first attempt, one that waits at once. Gives the state that it
-- was in, and changes nothing if that is sending or delivered; null if there is no such delivery.
create or replace function audit.redrive_delivery(delivery uuid)
    returns text
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    previous text;
begin
    select kept.state into previous
    from audit.outbox as kept
    where kept.delivery_id = delivery
    for update;

    update audit.outbox as kept
    set state = 'ready',
        attempt = case previous when 'dead' then 0 else kept.attempt end,
        due_at = clock_timestamp()
    where kept.delivery_id = delivery
        and previous in ('dead', 'ready');
    return previous;
end;
$$;

comment on function audit.redrive_delivery(uuid) is 'Drives one delivery again: one that was given up from its first attempt, one that waits at once.';
revoke all on function audit.redrive_delivery(uuid) from public;
