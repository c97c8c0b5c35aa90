-- Drops what was generated for a table.
create or replace function audit._forget(table_id integer)
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    op text;
begin
    foreach op in array '{I,U,D,T}'::text[] loop
        execute format('drop function if exists %s()', audit._trigger_function(table_id, op));
    end loop;
    perform audit._compile_visible(table_id);
end;
$$;

comment on function audit._forget(integer) is 'Drops what was generated for a table.';
revoke all on function audit._forget(integer) from public;
