-- Compiles the watched tables that the DDL command of the calling event trigger touched. Anybody may call it, because
-- anybody may run DDL, but PostgreSQL refuses it outside an event trigger.
create or replace function audit._recompile_changed()
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    changed integer;
begin
    for changed in select distinct c.table_id from audit._changed_tables() c loop
        perform audit._compile(changed);
    end loop;
end;
$$;

comment on function audit._recompile_changed() is 'Compiles the watched tables that the DDL command of the calling event trigger touched.';
revoke all on function audit._recompile_changed() from public;
