-- Locks rows in quarantine until the transaction ends and gives those that still wait: what another session released in
-- the meantime is left out. The order is always the same, so that two sessions can not wait for each other.
create or replace function audit._lock_held(ids uuid[])
    returns setof audit.quarantine
    language sql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
    select
        q.quarantine_id, q.lsn, q.xid, q.at, q.occurred_at, q.table_id, q.op, q.key, q.rules,
        coalesce(audit._whole(q.row, s.row), q.row), coalesce(audit._whole(q.restored, s.restored), q.restored),
        q.mode, q.state, q.session_role, q.actor, q.application, q.request_id
    from audit.quarantine q
    left join audit.quarantine_secret s using (quarantine_id)
    where q.quarantine_id = any (ids)
        and q.state = 'held'
    order by q.lsn, q.quarantine_id
    for no key update of q;
$$;

comment on function audit._lock_held(uuid[]) is 'Locks rows in quarantine until the transaction ends and gives those that still wait.';
revoke all on function audit._lock_held(uuid[]) from public;
