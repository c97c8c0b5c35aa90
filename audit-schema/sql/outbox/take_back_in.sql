-- Writes to a recipient again that was left out. False if it was not.
create or replace function audit.take_back_in(channel_name text, address text)
    returns boolean
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    delete from audit.dead_recipient as recipient
    where recipient.channel = channel_name
        and recipient.address = take_back_in.address;
    return found;
end;
$$;

comment on function audit.take_back_in(text, text) is 'Writes to a recipient again that was left out.';
revoke all on function audit.take_back_in(text, text) from public;
