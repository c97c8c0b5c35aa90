-- Drops what was generated for a table. With keep, only functions that are named after a former name of the table.
create or replace function audit._forget(table_id integer, keep boolean default false)
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    generated regprocedure;
begin
    for generated in
        select p.oid
        from pg_proc p
        where p.pronamespace = 'audit_compiled'::regnamespace
            and p.prorettype = 'trigger'::regtype
            and p.proname ~ format('_%s_(insert|update|delete|truncate)$', table_id)
            and not (keep and p.oid = any (array(select to_regproc(audit._trigger_function(table_id, o))::oid from unnest('{I,U,D,T}'::text[]) o)))
        order by p.proname
    loop
        execute format('drop function %s', generated);
    end loop;
    perform audit._compile_visible(table_id);
end;
$$;

comment on function audit._forget(integer, boolean) is 'Drops what was generated for a table.';
revoke all on function audit._forget(integer, boolean) from public;
