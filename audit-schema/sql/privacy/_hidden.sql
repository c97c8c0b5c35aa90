-- The columns of a watched table that are redacted or hashed.
create or replace function audit._hidden(table_id integer)
    returns text[]
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce((select w.redact || w.hash from audit.watched_table w where w.table_id = _hidden.table_id), '{}');
$$;

comment on function audit._hidden(integer) is 'The columns of a watched table that are redacted or hashed.';
revoke all on function audit._hidden(integer) from public;
