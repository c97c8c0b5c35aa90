-- The channels that are to hear of an alert, and how long it has to wait for their hours: those of the first route that
-- matches, and of the next ones as long as they say continue. A route that sends what comes outside of its hours to the
-- next one is passed over then, unless nobody else would hear of it. An alert that nobody took on in time goes to the
-- channels of its escalation besides. What concerns a channel itself goes to other channels, by whatever route there is, and
-- to that channel only if there is no other; it waits for no digest.
create or replace function audit._channels_for(alert uuid, clock timestamptz)
    returns table (channel_id integer, wait interval, digest boolean)
    language plpgsql
    stable
    security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    episode audit.alert;
    route jsonb;
    table_name text;
    names jsonb := '{}';
    passed_over jsonb := '{}';
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
            wait := audit._hours_wait(route -> 'hours', clock);
            digest := episode.policy <> 'pipeline' and case
                when route ? 'hours' then wait > interval '0' and route ->> 'otherwise' = 'digest'
                else route ? 'digest'
            end;
            if digest and route ? 'digest' then
                wait := audit._digest_wait(route -> 'digest', clock);
            end if;
            if wait > interval '0' and route ->> 'otherwise' = 'next' then
                passed_over := audit._named(route -> 'to', wait, false) || passed_over;
                continue;
            end if;
            names := audit._named(route -> 'to', wait, digest) || names;
            exit when not coalesce((route ->> 'continue')::boolean, false);
        end if;
    end loop;
    if names = '{}' then
        names := passed_over;
    end if;
    if episode.escalated_at is not null then
        names := names || coalesce((
            select audit._named(policy.definition #> '{escalate,to}', interval '0', false)
            from audit.alert_policy as policy
            where policy.alert_policy_id = episode.alert_policy_id
        ), '{}');
    end if;

    if episode.policy = 'pipeline' then
        names := names - coalesce(episode.group_values ->> 'channel', '');
        if not exists (
            select from audit.channel as channel
            where names ? channel.name and channel.retired_at is null and channel.paused_at is null
        ) then
            names := coalesce((
                select audit._named(jsonb_agg(channel.name), interval '0', false)
                from audit.channel as channel
                where channel.retired_at is null
                    and channel.paused_at is null
                    and channel.name is distinct from episode.group_values ->> 'channel'
                having count(*) > 0
            ), audit._named(episode.group_values -> 'channel', interval '0', false));
        end if;
    end if;

    return query
    select channel.channel_id, (names #>> array[channel.name, 'wait'])::interval, (names #>> array[channel.name, 'digest'])::boolean
    from audit.channel as channel
    where channel.retired_at is null
        and names ? channel.name
        -- Not to itself, if it is what can not be reached.
        and not (
            episode.policy = 'pipeline'
            and channel.name = episode.group_values ->> 'channel'
            and (
                channel.paused_at is not null
                or episode.fingerprint = audit._fingerprint(
                    'pipeline', jsonb_build_object('channel', channel.name, 'condition', 'unheard')
                )
            )
        )
    order by channel.channel_id;
end;
$$;

comment on function audit._channels_for(uuid, timestamptz) is 'The channels that are to hear of an alert, and how long it has to wait for their hours or for a digest.';
revoke all on function audit._channels_for(uuid, timestamptz) from public;
