-- The expression over the columns of a row that gives the start of its time bucket, as timestamptz. A single unit follows
-- the calendar of the time zone; other widths are counted from midnight of 1 January 2000 there.
create or replace function audit._bucket(target regclass, bucket jsonb)
    returns text
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    zone text := coalesce(bucket ->> 'time_zone', 'UTC');
    width interval := (bucket ->> 'width')::interval;
    unit text;
    type text;
begin
    select c.type into type from audit._log_column(target) c where c.name = bucket ->> 'column';
    select u.unit
    into unit
    from unnest(array['minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'], array['1 minute', '1 hour', '1 day', '7 days', '1 month', '3 months', '1 year']::interval[]) u (unit, width)
    where u.width = width;

    -- A local time is taken as one of the time zone.
    return format(
        case when unit is not null then 'date_trunc(%1$L, %2$s, %3$L)' else 'date_bin(%4$L, %2$s, timestamp ''2000-01-01 00:00'' at time zone %3$L)' end,
        unit,
        case when type like '%without time zone' then format('(%I at time zone %L)', bucket ->> 'column', zone)
             when type = 'date' then format('(%I::timestamp at time zone %L)', bucket ->> 'column', zone)
             else format('%I', bucket ->> 'column') end,
        zone,
        width
    );
end;
$$;

comment on function audit._bucket(regclass, jsonb) is 'The expression that gives the start of the time bucket of a row.';
revoke all on function audit._bucket(regclass, jsonb) from public;
