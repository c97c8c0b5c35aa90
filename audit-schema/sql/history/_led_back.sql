-- True if a row of a table without a key is there once or more, and an error if less than never: then it came or went
-- without being logged, or columns came or went in between.
create or replace function audit._led_back(copies numeric)
    returns boolean
    language plpgsql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
begin
    if copies < 0 then
        raise exception using
            errcode = 'AU002',
            constraint = 'log_does_not_lead_there',
            message = 'the log does not lead from the table to the time asked for',
            hint = 'Without a primary key this can not be told where the columns of the table were changed or rows came or went unlogged. audit.row_change has the log.';
    end if;
    return true;
end;
$$;

comment on function audit._led_back(numeric) is 'An error if the log takes away a row that was not there.';
revoke all on function audit._led_back(numeric) from public;
