-- Compiles the watched tables that the DDL command of the calling event trigger concerns, and records what changed. Anybody
-- may call it, because anybody may run DDL, but PostgreSQL refuses it outside an event trigger.
create or replace function audit._recompile_changed(command text)
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    changed integer;
    replaced record;
begin
    -- The same name may now decide otherwise about rows that were counted already.
    for replaced in
        select r.table_id, r.rule_id, r.name, d.object_identity
        from pg_event_trigger_ddl_commands() d
        join audit.rule r on r.retired_at is null and r.broken is null
        where d.command_tag = 'CREATE FUNCTION'
            and audit._mentions(r, regexp_replace(d.object_identity, '\(.*$', '') || '(')
    loop
        perform audit._note_drift(replaced.table_id, command, 'function replaced', replaced.object_identity, null, format('read by rule %s', replaced.name));
        perform audit._void_counter(replaced.rule_id);
    end loop;
    for changed in select distinct c.table_id from audit._changed_tables() c order by 1 loop
        perform audit._compile(changed, command);
    end loop;
end;
$$;

comment on function audit._recompile_changed(text) is 'Compiles the watched tables that the DDL command of the calling event trigger concerns, and records what changed.';
revoke all on function audit._recompile_changed(text) from public;
