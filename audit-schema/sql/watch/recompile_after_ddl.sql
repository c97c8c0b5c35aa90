-- Compiles watched tables anew after DDL on them, so that the log and the rules follow the columns. Never fails the DDL:
-- what can not be compiled is a warning.
create or replace function audit.recompile_after_ddl()
    returns event_trigger
    language plpgsql
    security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    watched record;
begin
    for watched in
        select distinct w.table_id, w.name
        from pg_event_trigger_ddl_commands() d
        cross join lateral (
            select d.objid as relid
            union
            select a.relid from pg_partition_ancestors(d.objid) a
        ) r
        join audit.watched_table w on w.relation = r.relid and w.unwatched_at is null
        where d.classid = 'pg_class'::regclass
            and not d.in_extension
    loop
        begin
            perform audit._compile(watched.table_id);
        exception when others then
            raise warning 'the audit of % could not be compiled anew: %', watched.name, sqlerrm
                using hint = 'Call audit.compile() for the table.';
        end;
    end loop;
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
