-- Drives dead deliveries of a channel again, from their first attempt. Gives how many.
create or replace function audit.redrive(channel_name text)
    returns bigint
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    driven bigint;
begin
    update audit.outbox as delivery
    set state = 'ready', attempt = 0, due_at = clock_timestamp()
    from audit.channel as channel
    where channel.channel_id = delivery.channel_id
        and channel.name = channel_name
        and delivery.state = 'dead';
    get diagnostics driven = row_count;
    return driven;
end;
$$;

comment on function audit.redrive(text) is 'Drives dead deliveries of a channel again, from their first attempt.';
revoke all on function audit.redrive(text) from public;
