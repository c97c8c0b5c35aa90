-- Rows in quarantine with their true values: what is shown of them has markers in the place of redacted and hashed ones.
create or replace function audit._held(ids uuid[])
    returns setof audit.quarantine
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select
        q.quarantine_id, q.lsn, q.xid, q.at, q.occurred_at, q.table_id, q.op, q.key, q.rules,
        coalesce(audit._whole(q.row, s.row), q.row), coalesce(audit._whole(q.restored, s.restored), q.restored),
        q.mode, q.state, q.session_role, q.actor, q.application, q.request_id
    from audit.quarantine q
    left join audit.quarantine_secret s using (quarantine_id)
    where q.quarantine_id = any (ids);
$$;

comment on function audit._held(uuid[]) is 'Rows in quarantine with their true values.';
revoke all on function audit._held(uuid[]) from public;
