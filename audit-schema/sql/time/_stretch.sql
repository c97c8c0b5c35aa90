-- The expression that gives the start of the stretch of time that holds a moment, cut as the buckets of summaries are: a
-- single unit follows the calendar of the time zone, so that a day may have 23 or 25 hours; other widths are counted from
-- midnight of 1 January 2000 there. With next it gives, for the start of a stretch, the start of the one after it.
create or replace function audit._stretch(moment text, width interval, zone text, next boolean default false)
    returns text
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
    set intervalstyle = postgres
as $$
    select case
        when next and audit._calendar_step(width) is not null then format('((%1$s at time zone %2$L + interval %3$L) at time zone %2$L)', moment, zone, audit._calendar_step(width))
        when next then format('(%s + interval %L)', moment, width)
        when unit is not null then format('date_trunc(%L, %s, %L)', unit, moment, zone)
        else format('date_bin(%L, %s, timestamp ''2000-01-01 00:00'' at time zone %L)', width, moment, zone)
    end
    from audit._calendar_unit(width) unit;
$$;

comment on function audit._stretch(text, interval, text, boolean) is 'The expression that gives the start of the stretch of time that holds a moment, or of the one after it.';
revoke all on function audit._stretch(text, interval, text, boolean) from public;
