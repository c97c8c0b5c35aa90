-- The expression that gives the start of the time bucket in which a moment lies, as timestamptz. Days, weeks, months and
-- years follow the calendar of the time zone, so that one day a year has 23 hours and one has 25; weeks begin on Monday, and
-- of several units the first began on 1 January 2000, of days and weeks on Monday, the 3rd. Shorter buckets all last the
-- same and are counted from that midnight.
create or replace function audit._bucket_start(bucket jsonb, moment text)
    returns text
    language plpgsql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    zone text := coalesce(bucket ->> 'time_zone', 'UTC');
    width interval := (bucket ->> 'width')::interval;
    months integer := extract(year from width) * 12 + extract(month from width);
    days integer := extract(day from width);
    seconds numeric := extract(epoch from width - make_interval(months => months, days => days));
begin
    if width <= '0' or (months <> 0)::integer + (days <> 0)::integer + (seconds <> 0)::integer > 1 then
        raise exception using
            errcode = 'AU002',
            constraint = 'bucket_width_is_of_one_unit',
            message = format('`%s` is no width of a time bucket', bucket ->> 'width'),
            hint = 'Expected a length such as 15 minutes, 1 day or 3 months.';
    end if;
    return format(
        case
            when seconds = 60 then 'date_trunc(''minute'', %1$s, %2$L)'
            when seconds = 3600 then 'date_trunc(''hour'', %1$s, %2$L)'
            when days = 1 or seconds = 86400 then 'date_trunc(''day'', %1$s, %2$L)'
            when days = 7 then 'date_trunc(''week'', %1$s, %2$L)'
            when months = 1 then 'date_trunc(''month'', %1$s, %2$L)'
            when months = 3 then 'date_trunc(''quarter'', %1$s, %2$L)'
            when months = 12 then 'date_trunc(''year'', %1$s, %2$L)'
            when seconds > 0 then 'date_bin(%3$L, %1$s, timestamp ''2000-01-01 00:00'' at time zone %2$L)'
            when days > 0 then '(date_bin(%3$L, %1$s at time zone %2$L, timestamp ''2000-01-03 00:00'') at time zone %2$L)'
            else '((timestamp ''2000-01-01 00:00'' + make_interval(months => %4$s * floor((extract(year from %1$s at time zone %2$L) * 12 + extract(month from %1$s at time zone %2$L) - 24001) / %4$s)::integer)) at time zone %2$L)'
        end,
        moment, zone, width, months
    );
end;
$$;

comment on function audit._bucket_start(jsonb, text) is 'The expression that gives the start of the time bucket in which a moment lies.';
revoke all on function audit._bucket_start(jsonb, text) from public;
