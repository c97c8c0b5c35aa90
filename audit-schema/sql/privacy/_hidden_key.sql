-- Whether the rows of a watched table are known by hashes of their keys.
create or replace function audit._hidden_key(watched audit.watched_table)
    returns boolean
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select watched.key_columns && (watched.redact || watched.hash);
$$;

comment on function audit._hidden_key(audit.watched_table) is 'Whether the rows of a watched table are known by hashes of their keys.';
revoke all on function audit._hidden_key(audit.watched_table) from public;
