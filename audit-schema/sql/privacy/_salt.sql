-- What is hashed together with the values of a table's hashed columns. Without it a hash would be as good as the value
-- where there are few values to try: telephone numbers, dates of birth, addresses. Nobody but audit_owner may ask.
create or replace function audit._salt(table_id integer)
    returns bytea
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select s.salt from audit.hash_salt s where s.table_id = _salt.table_id;
$$;

comment on function audit._salt(integer) is 'What is hashed together with the values of a table''s hashed columns.';
revoke all on function audit._salt(integer) from public;
