-- The view of the visible rows of a table, if there is one. It is known by what it reads, so that it keeps its name when
-- the table is renamed.
create or replace function audit._visible_view(target regclass)
    returns regclass
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select c.oid::regclass
    from pg_depend d
    join pg_rewrite r on r.oid = d.objid
    join pg_class c on c.oid = r.ev_class
    where d.classid = 'pg_rewrite'::regclass
        and d.refclassid = 'pg_class'::regclass
        and d.refobjid = target
        and c.relnamespace = 'audit_compiled'::regnamespace
        and c.relkind = 'v'
        and c.relname ~ '_visible(_\d+)?$'
    limit 1;
$$;

comment on function audit._visible_view(regclass) is 'The view of the visible rows of a table, if there is one.';
revoke all on function audit._visible_view(regclass) from public;
