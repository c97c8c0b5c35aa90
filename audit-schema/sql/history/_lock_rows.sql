-- Locks the rows of a watched table that have these keys, so that nobody changes them until the transaction ends. Runs with
-- the rights of the caller.
create or replace function audit._lock_rows(watched audit.watched_table, keys text[])
    returns void
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    execute format(
        'select from unnest($1) k (key) join %s audit_row on %s order by k.key for update of audit_row',
        watched.relation, audit._key_is(watched.relation, watched.key_columns, 'k.key')
    )
    using keys;
end;
$$;

comment on function audit._lock_rows(audit.watched_table, text[]) is 'Locks the rows of a watched table that have these keys.';
revoke all on function audit._lock_rows(audit.watched_table, text[]) from public;
