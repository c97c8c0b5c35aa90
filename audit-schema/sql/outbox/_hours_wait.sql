-- How long it is from a time until hours of work begin; nothing within them, or if there are none. A span that ends before it
-- begins ends on the next day, so the day before is looked at, too.
create or replace function audit._hours_wait(hours jsonb, clock timestamptz)
    returns interval
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(min(greatest(span.begins - clock, interval '0')), interval '0')
    from (
        select
            (day + (hours ->> 'from')::time) at time zone (hours ->> 'time_zone') as begins,
            (
                day + (hours ->> 'to')::time
                + case when (hours ->> 'to')::time <= (hours ->> 'from')::time then interval '1 day' else interval '0' end
            ) at time zone (hours ->> 'time_zone') as ends
        from generate_series(-1, 7) as days_on
        cross join lateral (select (clock at time zone (hours ->> 'time_zone'))::date + days_on as day) as calendar
        where hours -> 'days' @> to_jsonb(extract(isodow from day)::integer)
    ) as span
    where span.ends > clock;
$$;

comment on function audit._hours_wait(jsonb, timestamptz) is 'How long it is from a time until hours of work begin; nothing within them.';
revoke all on function audit._hours_wait(jsonb, timestamptz) from public;
