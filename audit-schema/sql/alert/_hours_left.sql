-- How long hours that are on at a time still last; nothing outside of them. Where spans overlap, the one that lasts longest counts.
create or replace function audit._hours_left(hours jsonb, clock timestamptz)
    returns interval
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(max(span.ends - clock), interval '0')
    from (
        select
            (day + (hours ->> 'from')::time) at time zone (hours ->> 'time_zone') as begins,
            (
                day + (hours ->> 'to')::time
                + case when (hours ->> 'to')::time <= (hours ->> 'from')::time then interval '1 day' else interval '0' end
            ) at time zone (hours ->> 'time_zone') as ends
        from generate_series(-1, 0) as days_on
        cross join lateral (select (clock at time zone (hours ->> 'time_zone'))::date + days_on as day) as calendar
        where hours -> 'days' @> to_jsonb(extract(isodow from day)::integer)
    ) as span
    where span.begins <= clock and span.ends > clock;
$$;

comment on function audit._hours_left(jsonb, timestamptz) is 'How long hours that are on at a time still last; nothing outside of them.';
revoke all on function audit._hours_left(jsonb, timestamptz) from public;
