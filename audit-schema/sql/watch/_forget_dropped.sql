-- Ends the watch of tables that were dropped, and compiles those anew whose rules read what was dropped. What was logged
-- stays. Anybody may call it, because anybody may drop what is his, but PostgreSQL refuses it outside an event trigger.
create or replace function audit._forget_dropped(command text)
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    gone record;
    concerned integer;
begin
    for gone in
        select w.table_id, w.name
        from pg_event_trigger_dropped_objects() d
        join audit.watched_table w on w.relation = d.objid and w.unwatched_at is null
        where d.classid = 'pg_class'::regclass and d.objsubid = 0
    loop
        perform audit._note_drift(gone.table_id, command, 'table dropped', gone.name);
        update audit.rule r set retired_at = now() where r.table_id = gone.table_id and r.retired_at is null;
        perform audit.retire_summary(s.summary_id) from audit.summary s where s.table_id = gone.table_id and s.retired_at is null;
        update audit.watched_table w set unwatched_at = now() where w.table_id = gone.table_id;
        -- Dropping what was generated fires whatever other event triggers there are, as audit_owner.
        begin
            perform audit._forget(gone.table_id);
        exception when others then
            raise warning 'the functions that audited % could not be dropped: %', gone.name, sqlerrm;
        end;
    end loop;

    for concerned in
        select distinct w.table_id
        from pg_event_trigger_dropped_objects() d
        join audit.watched_table w on w.unwatched_at is null
        left join audit.rule r on r.table_id = w.table_id and r.retired_at is null and r.broken is null
        where not d.is_temporary
            and d.schema_name is distinct from 'audit'
            and d.schema_name is distinct from 'audit_compiled'
            and d.object_type <> 'trigger'
            and (
                d.classid = 'pg_class'::regclass and (w.relation = d.objid or w.shape -> 'children' ? d.objid::text)
                or r.kind = 'references' and position(d.address_names[cardinality(d.address_names)] in r.definition::text) > 0
                or audit._mentions(r, d.address_names[cardinality(d.address_names)])
            )
        order by 1
    loop
        perform audit._compile(concerned, command);
    end loop;
end;
$$;

comment on function audit._forget_dropped(text) is 'Ends the watch of tables that were dropped, and compiles those anew whose rules read what was dropped.';
revoke all on function audit._forget_dropped(text) from public;
