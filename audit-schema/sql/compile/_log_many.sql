-- A loop of a generated function that logs chunks, with the memory to group a statement's chunks without writing them to
-- disk. The setting is the session's own again afterwards.
create or replace function audit._log_many(statements text, memory text)
    returns text
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select E'        memory := current_setting(''work_mem'');\n        perform set_config(''work_mem'', ' || quote_literal(memory) || E', true);\n'
        || statements
        || E'        perform set_config(''work_mem'', memory, true);\n';
$$;

comment on function audit._log_many(text, text) is 'A loop of a generated function that logs chunks, with the memory to group them.';
revoke all on function audit._log_many(text, text) from public;
