-- Whether PostgreSQL knows the least and the greatest of values of a type.
create or replace function audit._has_ends(type text)
    returns boolean
    language plpgsql
    stable
    set search_path = pg_catalog
as $$
begin
    execute format('select max(null::%s) where false', type);
    return true;
exception when undefined_function then
    return false;
end;
$$;

comment on function audit._has_ends(text) is 'Whether PostgreSQL knows the least and the greatest of values of a type.';
revoke all on function audit._has_ends(text) from public;
