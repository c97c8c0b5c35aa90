-- The unit of the calendar that a width is one of, as date_trunc() names it; null for any other width.
create or replace function audit._calendar_unit(width interval)
    returns text
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select u.unit
    from unnest(
        array['minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'],
        array['1 minute', '1 hour', '1 day', '7 days', '1 month', '3 months', '1 year']::interval[]
    ) u (unit, width)
    where u.width = _calendar_unit.width;
$$;

comment on function audit._calendar_unit(interval) is 'The unit of the calendar that a width is one of; null for any other width.';
revoke all on function audit._calendar_unit(interval) from public;
