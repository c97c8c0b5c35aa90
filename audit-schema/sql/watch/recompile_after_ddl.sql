-- Compiles watched tables anew after DDL on them, so that the log and the rules follow the columns and new partitions.
-- Runs with the rights of whoever runs the DDL, who lends the pipeline the rights it needs on a new partition. Never
-- fails the DDL: what can not be compiled is a warning.
create or replace function audit.recompile_after_ddl()
    returns event_trigger
    language plpgsql
as $$
#variable_conflict use_variable
declare
    partition regclass;
begin
    for partition in select p.partition from audit._partitions_to_lend() p loop
        execute pg_catalog.format('grant select, trigger on %s to audit_owner', partition);
    end loop;
    perform audit._recompile_changed();
exception when others then
    raise warning 'the audit of a table could not be compiled anew: %', sqlerrm
        using hint = 'Call audit.compile() for the table.';
end;
$$;

comment on function audit.recompile_after_ddl() is 'Compiles watched tables anew after DDL on them. Never fails the DDL.';
revoke all on function audit.recompile_after_ddl() from public;

-- Only a superuser may create an event trigger. Without one, audit.compile() is to be called after DDL.
do $$
begin
    if (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = session_user)
        and not exists (select from pg_catalog.pg_event_trigger e where e.evtname = 'audit_recompile_after_ddl')
    then
        execute 'set local role none';
        execute 'create event trigger audit_recompile_after_ddl on ddl_command_end when tag in (''ALTER TABLE'', ''CREATE TABLE'') execute function audit.recompile_after_ddl()';
        execute 'comment on event trigger audit_recompile_after_ddl is ''Compiles watched tables anew after DDL on them.''';
        execute 'set local role audit_owner';
    end if;
end;
$$;
