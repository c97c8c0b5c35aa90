-- Triggers of ours on tables that are not, or no longer, relatives of the watched table they log for: a partition that was
-- detached. Anybody may call it, because anybody may run DDL; it tells only names that \d shows too.
create or replace function audit._strange_triggers()
    returns table (relation regclass, name text)
    language sql
    stable
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    select g.tgrelid::regclass, g.tgname::text
    from pg_trigger g
    join pg_proc p on p.oid = g.tgfoid and p.pronamespace = 'audit_compiled'::regnamespace
    where not exists (
        select
        from audit.watched_table w
        cross join lateral audit._relatives(w.relation) r
        where w.unwatched_at is null
            and w.table_id = substring(p.proname from '_(\d+)_[a-z]+$')::integer
            and r.relid = g.tgrelid
    );
$$;

comment on function audit._strange_triggers() is 'Triggers of ours on tables that are no longer relatives of the watched table they log for.';
revoke all on function audit._strange_triggers() from public;
