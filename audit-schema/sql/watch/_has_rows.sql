-- Whether a table holds a row. One that is gone, or that the pipeline may not read, may have held some.
create or replace function audit._has_rows(target text)
    returns boolean
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    answer boolean;
begin
    execute format('select exists (select from %s)', target::regclass) into answer;
    return answer;
exception when undefined_table or invalid_schema_name or insufficient_privilege then
    return true;
end;
$$;

comment on function audit._has_rows(text) is 'Whether a table holds a row. One that is gone, or that the pipeline may not read, may have held some.';
revoke all on function audit._has_rows(text) from public;
