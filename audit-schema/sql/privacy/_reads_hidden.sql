-- Whether a rule reads a table with columns that are redacted or hashed, so that what it gives may have values of them.
create or replace function audit._reads_hidden(rule audit.rule)
    returns boolean
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select
        from audit.watched_table w
        where w.unwatched_at is null
            and (w.table_id = rule.table_id or w.relation = any (rule.reads))
            and w.redact || w.hash <> '{}'
    );
$$;

comment on function audit._reads_hidden(audit.rule) is 'Whether a rule reads a table with columns that are redacted or hashed.';
revoke all on function audit._reads_hidden(audit.rule) from public;
