-- The watched tables that the DDL command of the calling event trigger touched, themselves or a partition of theirs.
-- PostgreSQL refuses it to any other caller.
create or replace function audit._changed_tables()
    returns table (table_id integer, relation regclass, touched regclass)
    language sql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
    select distinct w.table_id, w.relation, d.objid::regclass
    from pg_event_trigger_ddl_commands() d
    cross join lateral (
        select d.objid as relid
        union
        select a.relid from pg_partition_ancestors(d.objid) a
    ) r
    join audit.watched_table w on w.relation = r.relid and w.unwatched_at is null
    where d.classid = 'pg_class'::regclass
        and not d.in_extension;
$$;

comment on function audit._changed_tables() is 'The watched tables that the DDL command of the calling event trigger touched.';
revoke all on function audit._changed_tables() from public;
