-- What is said of an error in the place of its message where the message may quote a value that must not be kept.
create or replace function audit._unsaid(sqlstate text)
    returns text
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select format('SQLSTATE %s; its message is not kept, because it may quote a redacted column', sqlstate);
$$;

comment on function audit._unsaid(text) is 'What is said of an error whose message may quote a redacted column.';
revoke all on function audit._unsaid(text) from public;
