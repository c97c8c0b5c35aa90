-- The partitions of tables that were just changed on which the pipeline has no rights yet. Anybody may call it, because
-- anybody may run DDL, but PostgreSQL refuses it outside an event trigger.
create or replace function audit._partitions_to_lend()
    returns table (partition regclass)
    language sql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    select distinct p.relid::regclass
    from audit._changed_tables() c
    cross join lateral pg_partition_tree(c.relation) p
    where not has_table_privilege('audit_owner', p.relid, 'select')
        or not has_table_privilege('audit_owner', p.relid, 'trigger');
$$;

comment on function audit._partitions_to_lend() is 'The partitions of tables that were just changed on which the pipeline has no rights yet.';
revoke all on function audit._partitions_to_lend() from public;
