-- Locks rows in quarantine until the transaction ends and gives those that still wait: what another session released in
-- the meantime is left out. The order is always the same, so that two sessions can not wait for each other.
create or replace function audit._lock_held(ids uuid[])
    returns setof audit.quarantine
    language sql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
    select q.*
    from audit.quarantine q
    where q.quarantine_id = any (ids)
        and q.state = 'held'
    order by q.lsn, q.quarantine_id
    for no key update;
$$;

comment on function audit._lock_held(uuid[]) is 'Locks rows in quarantine until the transaction ends and gives those that still wait.';
revoke all on function audit._lock_held(uuid[]) from public;
