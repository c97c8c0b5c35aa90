-- How long it is from a time until the next digest goes out: at the next full hour, or at a time of day on days of the week.
create or replace function audit._digest_wait(digest jsonb, clock timestamptz)
    returns interval
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select case
        when digest = '"hourly"' then date_trunc('hour', clock, 'UTC') + interval '1 hour' - clock
        else (
            select min(going_out.at) - clock
            from generate_series(0, 8) as days_on
            cross join lateral (select (clock at time zone (digest ->> 'time_zone'))::date + days_on as day) as calendar
            cross join lateral (
                select (day + (digest ->> 'at')::time) at time zone (digest ->> 'time_zone') as at
            ) as going_out
            where digest -> 'days' @> to_jsonb(extract(isodow from day)::integer)
                and going_out.at > clock
        )
    end;
$$;

comment on function audit._digest_wait(jsonb, timestamptz) is 'How long it is from a time until the next digest goes out.';
revoke all on function audit._digest_wait(jsonb, timestamptz) from public;
