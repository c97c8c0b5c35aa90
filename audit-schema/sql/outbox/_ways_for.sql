-- Where a notice goes, and how long it has to wait for the hours there, or for a digest: the end of an alert to the channels that were told of
-- it, everything else by the routes.
create or replace function audit._ways_for(alert uuid, kind text, clock timestamptz)
    returns table (channel_id integer, wait interval, digest boolean)
    language sql
    stable
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    select told.channel_id, coalesce(way.wait, interval '0'), coalesce(way.digest, false)
    from audit._channels_told_of(alert) as told (channel_id)
    left join audit._channels_for(alert, clock) as way on way.channel_id = told.channel_id
    where kind = 'resolved'
    union all
    select way.channel_id, way.wait, way.digest
    from audit._channels_for(alert, clock) as way
    where kind <> 'resolved';
$$;

comment on function audit._ways_for(uuid, text, timestamptz) is 'Where a notice goes, and how long it has to wait for the hours there.';
revoke all on function audit._ways_for(uuid, text, timestamptz) from public;
