-- Takes a channel back. Nothing new is sent by it.
create or replace function audit.retire_channel(channel_id integer)
    returns void
    language sql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
    update audit.channel c set retired_at = now() where c.channel_id = retire_channel.channel_id and c.retired_at is null;
$$;

comment on function audit.retire_channel(integer) is 'Takes a channel back. Nothing new is sent by it.';
revoke all on function audit.retire_channel(integer) from public;
