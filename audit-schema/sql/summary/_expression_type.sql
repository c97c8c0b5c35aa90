-- The type of an expression over audit_row.
create or replace function audit._expression_type(target regclass, canonical text)
    returns text
    language plpgsql
    volatile
    set search_path = pg_catalog
as $$
#variable_conflict use_variable
declare
    type text;
begin
    execute format('create temporary view audit_probe as select %s as expression from %s as audit_row', canonical, target);
    select format_type(a.atttypid, a.atttypmod) into type from pg_attribute a where a.attrelid = 'pg_temp.audit_probe'::regclass;
    execute 'drop view pg_temp.audit_probe';
    return type;
end;
$$;

comment on function audit._expression_type(regclass, text) is 'The type of an expression over audit_row.';
revoke all on function audit._expression_type(regclass, text) from public;
