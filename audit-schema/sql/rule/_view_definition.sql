-- The text of a view with every name outside pg_catalog qualified.
create or replace function audit._view_definition(target text)
    returns text
    language plpgsql
    stable
    set search_path = pg_catalog
as $$
#variable_conflict use_variable
begin
    return pg_get_viewdef(target::regclass);
end;
$$;

comment on function audit._view_definition(text) is 'The text of a view with every name outside pg_catalog qualified.';
revoke all on function audit._view_definition(text) from public;
