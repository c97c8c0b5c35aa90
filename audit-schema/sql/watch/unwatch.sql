-- Stops watching a table. What was logged stays; its rules and summaries are retired. Only the owner of the table may,
-- because only he may drop its triggers.
create or replace function audit.unwatch(target regclass)
    returns void
    language plpgsql
    volatile
as $$
#variable_conflict use_variable
declare
    watched_id integer;
    attached record;
begin
    select w.table_id into watched_id from audit.watched_table w where w.relation = target and w.unwatched_at is null;
    if not found then
        return;
    end if;

    for attached in
        select g.tgrelid::regclass as relation, g.tgname as name
        from pg_catalog.pg_trigger g
        join pg_catalog.pg_proc p on p.oid = g.tgfoid
        where p.pronamespace = 'audit_compiled'::regnamespace
            and g.tgname like 'audit\_%'
            and g.tgrelid in (select t.relid from audit._relatives(target) t)
    loop
        execute pg_catalog.format('drop trigger %I on %s', attached.name, attached.relation);
    end loop;
    update audit.rule r set retired_at = pg_catalog.now() where r.table_id = watched_id and r.retired_at is null;
    perform audit.retire_summary(s.summary_id) from audit.summary s where s.table_id = watched_id and s.retired_at is null;
    perform audit._forget(watched_id);
    update audit.watched_table w set unwatched_at = pg_catalog.now() where w.table_id = watched_id;
end;
$$;

comment on function audit.unwatch(regclass) is 'Stops watching a table. What was logged stays; its rules and summaries are retired.';
revoke all on function audit.unwatch(regclass) from public;
