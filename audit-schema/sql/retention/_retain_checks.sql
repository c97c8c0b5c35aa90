-- Drops checks that ended longer ago than their table keeps them. One that can go on is never dropped.
create or replace function audit._retain_checks(clock timestamptz, most integer)
    returns bigint
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    dropped bigint;
begin
    delete from audit.check_run c
    where c.check_run_id = any (array(
        select c.check_run_id
        from audit._kept('checks') k
        join audit.check_run c using (table_id)
        where c.ended_at < clock - k.keep
        limit most
    ));
    get diagnostics dropped = row_count;
    return dropped;
end;
$$;

comment on function audit._retain_checks(timestamp with time zone, integer) is 'Drops checks that ended longer ago than their table keeps them.';
revoke all on function audit._retain_checks(timestamp with time zone, integer) from public;
