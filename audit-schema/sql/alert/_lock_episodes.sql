-- Holds off everybody else who moves alerts, until the end of the transaction: reading an episode and writing what follows
-- is one step.
create or replace function audit._lock_episodes()
    returns void
    language sql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
    select pg_advisory_xact_lock(hashtextextended('audit.latest_episodes', 0));
$$;

comment on function audit._lock_episodes() is 'Holds off everybody else who moves alerts, until the end of the transaction.';
revoke all on function audit._lock_episodes() from public;
