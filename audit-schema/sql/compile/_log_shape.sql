-- Tells log rows with other columns apart: a hash of the names of the logged columns, in their order.
create or replace function audit._log_shape(target regclass)
    returns integer
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select hashtext(json_agg(c.name order by c.position)::text)
    from audit._log_column(target) with ordinality c (name, type, plain, wide, value, position);
$$;

comment on function audit._log_shape(regclass) is 'Tells log rows with other columns apart: a hash of the names of the logged columns.';
revoke all on function audit._log_shape(regclass) from public;
