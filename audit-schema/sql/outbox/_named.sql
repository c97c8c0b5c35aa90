-- The channels that a route names, one or a list, each with how long it has to wait, and whether for a digest.
create or replace function audit._named(channels jsonb, wait interval, digest boolean)
    returns jsonb
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
    set intervalstyle = postgres
as $$
    select coalesce(jsonb_object_agg(channel.name, jsonb_build_object('wait', wait, 'digest', digest)), '{}')
    from jsonb_array_elements_text(
        case jsonb_typeof(channels) when 'array' then channels else jsonb_build_array(channels) end
    ) as channel (name)
    where channel.name is not null;
$$;

comment on function audit._named(jsonb, interval, boolean) is 'The channels that a route names, each with how long it has to wait, and whether for a digest.';
revoke all on function audit._named(jsonb, interval, boolean) from public;
