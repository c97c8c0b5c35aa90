-- The type of an expression over audit_row, with its collation where that is not the one of its type, and its category.
create or replace function audit._expression_type(target regclass, canonical text, out type text, out category "char")
    language plpgsql
    volatile
    set search_path = pg_catalog
as $$
#variable_conflict use_column
begin
    execute format('create temporary view audit_probe as select %s as expression from %s as audit_row', canonical, target);
    select
        format_type(a.atttypid, a.atttypmod) || case when a.attcollation <> t.typcollation then ' collate ' || a.attcollation::regcollation else '' end,
        t.typcategory
    into type, category
    from pg_attribute a
    join pg_type t on t.oid = a.atttypid
    where a.attrelid = 'pg_temp.audit_probe'::regclass;
    execute 'drop view pg_temp.audit_probe';
end;
$$;

comment on function audit._expression_type(regclass, text) is 'The type of an expression over audit_row, with its collation, and its category.';
revoke all on function audit._expression_type(regclass, text) from public;
