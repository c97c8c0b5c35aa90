-- Leaves a recipient out of all further messages of a channel, because the provider calls it dead.
create or replace function audit.leave_out(channel_name text, address text, why text)
    returns void
    language sql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    insert into audit.dead_recipient (channel, address, why)
    values (leave_out.channel_name, leave_out.address, leave_out.why)
    on conflict do nothing;
$$;

comment on function audit.leave_out(text, text, text) is 'Leaves a recipient out of all further messages of a channel.';
revoke all on function audit.leave_out(text, text, text) from public;
