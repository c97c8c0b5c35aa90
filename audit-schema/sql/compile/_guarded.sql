-- A statement, guarded if a rule in it can raise: then `otherwise` runs instead, and the write goes on.
create or replace function audit._guarded(can_raise boolean, statement text, otherwise text)
    returns text
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select case when can_raise
        then E'    begin\n' || statement || E'    exception when others then\n' || otherwise || E'    end;\n'
        else statement
    end;
$$;

comment on function audit._guarded(boolean, text, text) is 'A statement, guarded if a rule in it can raise.';
revoke all on function audit._guarded(boolean, text, text) from public;
