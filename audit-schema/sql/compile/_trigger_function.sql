-- The name of the generated trigger function for one event of a watched table.
create or replace function audit._trigger_function(table_id integer, op text)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select format('audit_compiled.%I', format('%s_%s_%s', left(c.relname, 40), w.table_id, case op when 'I' then 'insert' when 'U' then 'update' when 'D' then 'delete' else 'truncate' end))
    from audit.watched_table w
    join pg_class c on c.oid = w.relation
    where w.table_id = _trigger_function.table_id;
$$;

comment on function audit._trigger_function(integer, text) is 'The name of the generated trigger function for one event of a watched table.';
revoke all on function audit._trigger_function(integer, text) from public;
