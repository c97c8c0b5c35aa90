-- The grants that the pipeline lacks on tables that were just changed, on their relatives and on their schemas, as commands
-- for whoever runs the DDL. Anybody may call it, because anybody may run DDL, but PostgreSQL refuses it outside an event
-- trigger.
create or replace function audit._rights_to_lend()
    returns table (command text)
    language sql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    select distinct g.command
    from audit._changed_tables() c
    cross join lateral audit._relatives(c.relation) p
    join pg_class k on k.oid = p.relid
    cross join lateral (
        values
            (
                has_table_privilege('audit_owner', p.relid, 'select') and has_table_privilege('audit_owner', p.relid, 'trigger'),
                format('grant select, trigger on %s to audit_owner', p.relid::regclass)
            ),
            (
                has_schema_privilege('audit_owner', k.relnamespace, 'usage'),
                format('grant usage on schema %s to audit_owner', k.relnamespace::regnamespace)
            )
    ) g (held, command)
    where not g.held;
$$;

comment on function audit._rights_to_lend() is 'The grants that the pipeline lacks on tables that were just changed.';
revoke all on function audit._rights_to_lend() from public;
