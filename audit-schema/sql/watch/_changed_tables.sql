-- The watched tables that the DDL command of the calling event trigger concerns: because it touched them or a relative of
-- theirs, or because it touched a function, type, operator or schema that a rule of theirs may read.
-- PostgreSQL refuses it to any other caller.
create or replace function audit._changed_tables()
    returns table (table_id integer, relation regclass)
    language sql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
    with recursive touched as (
        select d.classid, d.objid, d.command_tag, d.object_identity
        from pg_event_trigger_ddl_commands() d
        where not d.in_extension
    ), ancestor as (
        select t.objid as relid from touched t where t.classid = 'pg_class'::regclass
        union
        select i.inhparent from ancestor a join pg_inherits i on i.inhrelid = a.relid
    )
    select w.table_id, w.relation
    from audit.watched_table w
    where w.unwatched_at is null
        and (
            w.relation in (select a.relid from ancestor a)
            or exists (select from touched t join pg_class k on k.relnamespace = t.objid where t.classid = 'pg_namespace'::regclass and k.oid = w.relation)
            -- What was detached still has the trigger of its former parent.
            or exists (
                select
                from ancestor a
                join pg_trigger g on g.tgrelid = a.relid
                where g.tgfoid = to_regproc(audit._trigger_function(w.table_id, 'I'))
            )
            or exists (
                select
                from touched t
                join audit.rule r on r.table_id = w.table_id and r.retired_at is null
                where t.classid <> 'pg_class'::regclass
                    and (r.kind = 'expression' or r.applies is not null or r.broken is not null)
                    and (
                        t.command_tag not like 'CREATE %'
                        or r.broken is not null
                        or audit._mentions(r, regexp_replace(t.object_identity, '\(.*$', ''))
                    )
            )
            or exists (
                select
                from touched t
                join audit.rule r on r.table_id = w.table_id and r.retired_at is null and r.kind = 'references'
                where t.classid in ('pg_class'::regclass, 'pg_namespace'::regclass) and (r.broken is not null or to_regclass(r.definition ->> 'table') is null or to_regclass(r.definition ->> 'table') = t.objid)
            )
        );
$$;

comment on function audit._changed_tables() is 'The watched tables that the DDL command of the calling event trigger concerns.';
revoke all on function audit._changed_tables() from public;
