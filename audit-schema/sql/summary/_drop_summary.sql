-- Drops what was generated for a summary.
create or replace function audit._drop_summary(name text)
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
    execute format('drop view if exists audit_compiled.%I', name);
    execute format('drop table if exists audit_compiled.%I', name || '_base');
    perform audit._compile_fold(s.table_id) from (select distinct s.table_id from audit.summary s where s.name = _drop_summary.name) s;
end;
$$;

comment on function audit._drop_summary(text) is 'Drops what was generated for a summary.';
revoke all on function audit._drop_summary(text) from public;
