-- The watched tables that the DDL command of the calling event trigger concerns: because it touched them or a relative of
-- theirs, or because it touched a function, type, operator or schema that a rule of theirs may read.
-- PostgreSQL refuses it to any other caller.
create or replace function audit._changed_tables()
    returns table (table_id integer, relation regclass)
    language sql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
    with recursive touched as materialized (
        select d.classid, d.objid, d.command_tag, regexp_replace(d.object_identity, '\(.*$', '') as name
        from pg_event_trigger_ddl_commands() d
        where not d.in_extension
    ), ancestor as (
        select t.objid as relid from touched t where t.classid = 'pg_class'::regclass
        union
        select k.oid from touched t join pg_class k on k.relnamespace = t.objid where t.classid = 'pg_namespace'::regclass
        union
        select i.inhparent from ancestor a join pg_inherits i on i.inhrelid = a.relid
    ), concerned (table_id) as (
        select w.table_id from ancestor a join audit.watched_table w on w.relation = a.relid
        union
        -- What was detached still has the triggers of its former parent.
        select substring(p.proname from '_(\d+)_[a-z]+$')::integer
        from ancestor a
        join pg_trigger g on g.tgrelid = a.relid
        join pg_proc p on p.oid = g.tgfoid and p.pronamespace = 'audit_compiled'::regnamespace
        union
        select r.table_id
        from touched t
        cross join audit.rule r
        where t.classid <> 'pg_class'::regclass
            and r.retired_at is null
            and (r.kind = 'expression' or r.applies is not null or r.broken is not null)
            and (t.command_tag not like 'CREATE %' or r.broken is not null or audit._mentions(r, t.name))
        union
        select r.table_id
        from touched t
        join audit.rule r on r.kind = 'references' and r.retired_at is null
        where t.classid in ('pg_class'::regclass, 'pg_namespace'::regclass)
            and (r.broken is not null or to_regclass(r.definition ->> 'table') is null or to_regclass(r.definition ->> 'table') = t.objid)
    )
    select w.table_id, w.relation
    from concerned c
    join audit.watched_table w using (table_id)
    where w.unwatched_at is null;
$$;

comment on function audit._changed_tables() is 'The watched tables that the DDL command of the calling event trigger concerns.';
revoke all on function audit._changed_tables() from public;
