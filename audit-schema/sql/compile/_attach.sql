-- Attaches the generated functions to a table, its partitions and its children, whose own triggers see the statements
-- that name them. A trigger that is there already is left alone, so that compiling again takes no lock on the table.
create or replace function audit._attach(table_id integer)
    returns void
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    event record;
begin
    for event in
        select t.relid as relation, e.op, e.verb, e.tables, audit._trigger_function(w.table_id, e.op) as function
        from audit.watched_table w
        cross join lateral audit._relatives(w.relation) t
        cross join (
            values
                ('I', 'insert', 'referencing new table as new_rows'),
                ('U', 'update', 'referencing old table as old_rows new table as new_rows'),
                ('D', 'delete', 'referencing old table as old_rows'),
                ('T', 'truncate', '')
        ) e (op, verb, tables)
        where w.table_id = _attach.table_id
            and not exists (
                select
                from pg_trigger g
                where g.tgrelid = t.relid
                    and g.tgname = 'audit_' || e.verb
                    and g.tgfoid = to_regproc(audit._trigger_function(w.table_id, e.op))
            )
    loop
        execute format(
            'create or replace trigger audit_%s after %1$s on %s %s for each statement execute function %s()',
            event.verb, event.relation::regclass, event.tables, event.function
        );
    end loop;
end;
$$;

comment on function audit._attach(integer) is 'Attaches the generated functions to a table, its partitions and its children.';
revoke all on function audit._attach(integer) from public;
