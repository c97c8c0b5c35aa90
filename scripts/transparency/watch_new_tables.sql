-- Makes a database in which every new table is watched from its beginning, without its program doing anything for it.
-- Only what audit.watch() itself refuses is left alone; any other error of it fails the program's statement, so that the
-- suites find it. In a serializable transaction nothing is watched: the new row of audit.watched_table is a write that
-- PostgreSQL must keep in order with what others read there, which no program sees that does not create tables so.
create schema transparency;

create function transparency.watch_new_tables()
    returns event_trigger
    language plpgsql
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    created regclass;
begin
    if current_setting('transaction_isolation') = 'serializable' then
        return;
    end if;
    for created in
        select distinct d.objid::regclass
        from pg_event_trigger_ddl_commands() d
        join pg_class c on c.oid = d.objid
        where d.classid = 'pg_class'::regclass
            and d.command_tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO')
            and not d.in_extension
            and c.relkind in ('r', 'p')
            and c.relpersistence <> 't'
    loop
        begin
            perform audit.watch(created);
        exception when sqlstate 'AU002' then
            null;
        end;
    end loop;
end;
$$;

comment on function transparency.watch_new_tables() is 'Watches every new table of the database.';

create event trigger watch_new_tables on ddl_command_end
    when tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE SCHEMA')
    execute function transparency.watch_new_tables();
