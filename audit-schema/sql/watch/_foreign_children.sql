-- The foreign tables below the watched tables that were just changed. Anybody may call it, because anybody may run DDL,
-- but PostgreSQL refuses it outside an event trigger.
create or replace function audit._foreign_children()
    returns table (child regclass, parent regclass)
    language sql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    select p.relid::regclass, c.relation
    from audit._changed_tables() c
    cross join lateral audit._relatives(c.relation) p
    join pg_class k on k.oid = p.relid and k.relkind = 'f';
$$;

comment on function audit._foreign_children() is 'The foreign tables below the watched tables that were just changed.';
revoke all on function audit._foreign_children() from public;
