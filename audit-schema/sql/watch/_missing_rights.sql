-- The grants that the pipeline lacks on a table, on its partitions and children, and on the schemas of all of them, as
-- commands for whoever may grant.
create or replace function audit._missing_rights(target regclass)
    returns table (command text)
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select distinct g.command
    from audit._relatives(target) p
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

comment on function audit._missing_rights(regclass) is 'The grants that the pipeline lacks on a table and on its relatives.';
revoke all on function audit._missing_rights(regclass) from public;
