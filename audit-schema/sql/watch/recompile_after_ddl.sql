-- Compiles watched tables anew after DDL that concerns them, so that the log and the rules follow the columns and new
-- partitions, and records the drift. Runs with the rights of whoever runs the DDL, who lends the pipeline the rights it
-- needs on a new partition or in another schema. What can not be compiled is a warning; one thing only fails the DDL: a foreign table below a
-- watched one, because every write to it would fail from then on.
create or replace function audit.recompile_after_ddl()
    returns event_trigger
    language plpgsql
    -- Where a session makes parallel plans cheap, each small question would start workers.
    set max_parallel_workers_per_gather = 0
as $$
#variable_conflict use_variable
declare
    lent text;
    strange record;
    foreign_child regclass;
    foreign_parent regclass;
begin
    -- What the pipeline does to its own schemas concerns no watched table.
    if not exists (
        select from pg_catalog.pg_event_trigger_ddl_commands() d
        where d.schema_name is null or d.schema_name not in ('audit', 'audit_compiled', 'pg_temp')
    ) then
        return;
    end if;
    begin
        select f.child, f.parent into foreign_child, foreign_parent from audit._foreign_children() f limit 1;
        for lent in select r.command from audit._rights_to_lend() r where foreign_child is null loop
            execute lent;
        end loop;
        if foreign_child is null then
            perform audit._recompile_changed(tg_tag);
        end if;
        -- A partition that was detached is a table of its own now, and not watched.
        for strange in select s.relation, s.name from audit._strange_triggers() s where tg_tag = 'ALTER TABLE' loop
            execute pg_catalog.format('drop trigger %I on %s', strange.name, strange.relation);
        end loop;
    exception when others then
        raise warning 'the audit of a table could not be compiled anew: %', sqlerrm
            using hint = 'Call audit.compile() for the table; audit.doctor() says for which.';
    end;
    if foreign_child is not null then
        raise exception using
            errcode = 'AU002',
            constraint = 'relation_can_not_be_watched',
            message = pg_catalog.format('the foreign table %s can not be below %s, which is watched', foreign_child, foreign_parent),
            hint = pg_catalog.format('PostgreSQL refuses transition tables there, so that every write would fail. Call audit.unwatch(%L) first.', foreign_parent);
    end if;
end;
$$;

comment on function audit.recompile_after_ddl() is 'Compiles watched tables anew after DDL that concerns them, and records the drift.';
revoke all on function audit.recompile_after_ddl() from public;

-- Only a superuser may create an event trigger. Without one, audit.compile() is to be called after DDL.
do $$
begin
    if (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = session_user)
        and not exists (select from pg_catalog.pg_event_trigger e where e.evtname = 'audit_recompile_after_ddl')
    then
        execute 'set local role none';
        execute 'create event trigger audit_recompile_after_ddl on ddl_command_end when tag in ('
            '''ALTER TABLE'', ''CREATE TABLE'', ''ALTER FOREIGN TABLE'', ''CREATE FOREIGN TABLE'', ''CREATE FUNCTION'', ''ALTER FUNCTION'', '
            '''ALTER TYPE'', ''ALTER DOMAIN'', ''ALTER OPERATOR'', ''ALTER SCHEMA'''
            ') execute function audit.recompile_after_ddl()';
        execute 'comment on event trigger audit_recompile_after_ddl is ''Compiles watched tables anew after DDL on them.''';
        execute 'set local role audit_owner';
    end if;
end;
$$;
