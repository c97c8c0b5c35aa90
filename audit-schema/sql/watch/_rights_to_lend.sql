-- The grants that the pipeline lacks on tables that were just changed, as commands for whoever runs the DDL. Anybody may call it, because anybody may run DDL, but PostgreSQL refuses it outside an event
-- trigger.
create or replace function audit._rights_to_lend()
    returns table (command text)
    language sql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    select distinct r.command
    from audit._changed_tables() c
    cross join lateral audit._missing_rights(c.relation) r;
$$;

comment on function audit._rights_to_lend() is 'The grants that the pipeline lacks on tables that were just changed.';
revoke all on function audit._rights_to_lend() from public;
