-- How far it is from one start to the next by the calendar, for widths of a day and more that follow it; null for those that
-- are counted in hours that pass, which are not the same where clocks are put forward or back.
create or replace function audit._calendar_step(width interval)
    returns text
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select case unit when 'day' then '1 day' when 'week' then '7 days' when 'month' then '1 month' when 'quarter' then '3 months' when 'year' then '1 year' end
    from audit._calendar_unit(width) unit;
$$;

comment on function audit._calendar_step(interval) is 'How far it is from one start to the next by the calendar; null for widths that are counted in hours that pass.';
revoke all on function audit._calendar_step(interval) from public;
