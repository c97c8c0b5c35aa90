-- What is known about a change besides its rows, as one json object.
create or replace function audit._context(change audit.change)
    returns json
    language sql
    stable
    set search_path = pg_catalog, pg_temp
    set timezone = utc
as $$
    select json_strip_nulls(json_build_object(
        'lsn', change.lsn,
        'xid', change.xid,
        'at', change.at,
        'occurred_at', change.occurred_at,
        'cause', change.cause,
        'session_role', change.session_role,
        'role', nullif(change.role, 'none'),
        'actor', change.actor,
        'application', change.application,
        'client', change.client,
        'request_id', change.request_id
    ));
$$;

comment on function audit._context(audit.change) is 'What is known about a change besides its rows.';
revoke all on function audit._context(audit.change) from public;
