-- The channels that are to hear of an alert: those of the first route that matches, and of the next ones as long as they
-- say continue. What concerns a channel itself goes to other channels, by whatever route there is.
create or replace function audit._channels_for(alert uuid)
    returns setof integer
    language plpgsql
    stable
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    episode audit.alert;
    route jsonb;
    table_name text;
    names text[] := '{}';
begin
    select told.* into episode
    from audit.alert as told
    where told.alert_id = alert;

    select watched.name into table_name
    from audit.watched_table as watched
    where watched.table_id = episode.table_id;

    for route in
        select declared.definition
        from audit.route as declared
        where declared.retired_at is null
        order by declared.position
    loop
        if audit._matches(route -> 'severity', episode.severity)
            and audit._matches(route -> 'owner', episode.owner)
            and audit._matches(route -> 'table', table_name)
        then
            names := names || case jsonb_typeof(route -> 'to')
                when 'array' then array(select jsonb_array_elements_text(route -> 'to'))
                else array[route ->> 'to']
            end;
            exit when not coalesce((route ->> 'continue')::boolean, false);
        end if;
    end loop;

    if episode.policy = 'pipeline' then
        names := array_remove(names, episode.group_values ->> 'channel');
        if not exists (
            select from audit.channel as channel
            where channel.name = any (names) and channel.retired_at is null and channel.paused_at is null
        ) then
            names := array(
                select channel.name
                from audit.channel as channel
                where channel.retired_at is null
                    and channel.paused_at is null
                    and channel.name <> episode.group_values ->> 'channel'
            );
        end if;
    end if;

    return query
    select channel.channel_id
    from audit.channel as channel
    where channel.retired_at is null
        and channel.name = any (names)
    order by channel.channel_id;
end;
$$;

comment on function audit._channels_for(uuid) is 'The channels that are to hear of an alert.';
revoke all on function audit._channels_for(uuid) from public;
