-- How much of the time between two moments lies in hours such as "05:00-23:00 America/New_York" or "Mon-Fri 08:00-18:00
-- Europe/London"; all of it where no hours are given. Hours that end before they begin go on past midnight, and belong to
-- the day on which they begin. Without a time zone they are in UTC.
create or replace function audit._time_within(from_at timestamptz, to_at timestamptz, during text)
    returns interval
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select case
        when during is null then to_at - from_at
        when from_at is null then null
        else (
            select coalesce(sum(least(to_at, h.ends) - greatest(from_at, h.begins)), '0')
            from (
                select
                    array_position(d.names, m.match[1]) as first_day,
                    array_position(d.names, coalesce(m.match[2], m.match[1])) as last_day,
                    m.match[3]::interval as opens,
                    m.match[4]::interval + case when m.match[4]::interval <= m.match[3]::interval then interval '1 day' else interval '0' end as closes,
                    coalesce(m.match[5], 'UTC') as zone
                from regexp_matches(during, '^(?:([A-Z][a-z]{2})(?:-([A-Z][a-z]{2}))? +)?(\d\d:\d\d)-(\d\d:\d\d)(?: +(\S+))?$') m (match)
                cross join (values ('{Mon,Tue,Wed,Thu,Fri,Sat,Sun}'::text[])) d (names)
            ) p
            cross join generate_series((from_at at time zone p.zone)::date - interval '1 day', to_at at time zone p.zone, interval '1 day') day
            cross join lateral (select (day + p.opens) at time zone p.zone as begins, (day + p.closes) at time zone p.zone as ends) h
            where h.begins < to_at
                and h.ends > from_at
                and (
                    p.first_day is null
                    or extract(isodow from day) between p.first_day and p.last_day
                    -- Fri-Mon goes on past the end of the week.
                    or p.last_day < p.first_day and not extract(isodow from day) between p.last_day + 1 and p.first_day - 1
                )
        )
    end;
$$;

comment on function audit._time_within(timestamptz, timestamptz, text) is 'How much of the time between two moments lies in hours of the day and days of the week.';
revoke all on function audit._time_within(timestamptz, timestamptz, text) from public;
