-- When a watched table was truncated. The rows that went are not in the log.
create or replace function audit._truncates(table_id integer)
    returns table (at timestamptz, lsn pg_lsn)
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select c.at, c.lsn from audit.change c where c.table_id = _truncates.table_id and c.op = 'T'
    union all
    select s.at_hi, s.lsn_hi from audit.segment s where s.table_id = _truncates.table_id and s.op = 'T';
$$;

comment on function audit._truncates(integer) is 'When a watched table was truncated.';
revoke all on function audit._truncates(integer) from public;
