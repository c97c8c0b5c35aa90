-- Uses a paused channel again: what waited for it is due. False if no such channel was paused.
create or replace function audit.resume_channel(name text)
    returns boolean
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    update audit.channel as channel
    set paused_at = null, paused_why = null
    where channel.name = resume_channel.name
        and channel.retired_at is null
        and channel.paused_at is not null;
    return found;
end;
$$;

comment on function audit.resume_channel(text) is 'Uses a paused channel again: what waited for it is due.';
revoke all on function audit.resume_channel(text) from public;
