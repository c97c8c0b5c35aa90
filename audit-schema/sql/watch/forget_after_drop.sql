-- Follows DROP: see audit._forget_dropped(). Never fails it: what can not be followed is a warning.
create or replace function audit.forget_after_drop()
    returns event_trigger
    language plpgsql
    -- Where a session makes parallel plans cheap, each small question would start workers.
    set max_parallel_workers_per_gather = 0
as $$
begin
    -- Many programs drop temporary tables all day long.
    if exists (
        select from pg_catalog.pg_event_trigger_dropped_objects() d
        where not d.is_temporary and (d.schema_name is null or d.schema_name not in ('audit', 'audit_compiled'))
    ) then
        perform audit._forget_dropped(tg_tag);
    end if;
exception when others then
    raise warning 'the audit of a table could not follow %: %', tg_tag, sqlerrm
        using hint = 'audit.doctor() says what is to be done.';
end;
$$;

comment on function audit.forget_after_drop() is 'Follows DROP: ends the watch of tables that are gone. Never fails it.';
revoke all on function audit.forget_after_drop() from public;

do $$
begin
    if (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = session_user)
        and not exists (select from pg_catalog.pg_event_trigger e where e.evtname = 'audit_forget_after_drop')
    then
        execute 'set local role none';
        execute 'create event trigger audit_forget_after_drop on sql_drop execute function audit.forget_after_drop()';
        execute 'comment on event trigger audit_forget_after_drop is ''Ends the watch of tables that are dropped.''';
        execute 'set local role audit_owner';
    end if;
end;
$$;
