-- Declares a channel, or a new version of one: messages that wait for the former version go by the new one. A channel that
-- is declared again unchanged stays as it is, also when it is paused.
create or replace function audit.declare_channel(
    name text,
    provider text,
    definition jsonb,
    per_minute integer default 10,
    per_second integer default null
)
    returns integer
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    before audit.channel;
    result integer;
begin
    select c.* into before from audit.channel c where c.name = name and c.retired_at is null;
    if found then
        if before.provider = provider and before.definition = definition and before.per_minute = per_minute
            and before.per_second is not distinct from per_second
        then
            return before.channel_id;
        end if;
        perform audit.retire_channel(before.channel_id);
    end if;
    insert into audit.channel (name, provider, definition, per_minute, per_second)
    values (name, provider, definition, per_minute, per_second)
    returning channel_id into result;
    return result;
end;
$$;

comment on function audit.declare_channel(text, text, jsonb, integer, integer) is 'Declares a channel, or a new version of one. Secrets are named in it, never given.';
revoke all on function audit.declare_channel(text, text, jsonb, integer, integer) from public;
