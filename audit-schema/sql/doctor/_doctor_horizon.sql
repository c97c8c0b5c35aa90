-- Who holds the horizon or the cleaning of the head back. Runs with the rights of the caller, because a session's user and
-- state are told only to those who may know them; its process and its transaction are told to everybody.
create or replace function audit._doctor_horizon(late interval)
    returns table (severity text, remark text, object text, what text, todo text)
    language sql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
    with waiting as materialized (
        select min(c.xid::text::bigint) as xid, min(c.at) as oldest
        from audit.change c
        where c.at < clock_timestamp() - late
            and c.xid >= pg_snapshot_xmin(pg_current_snapshot())
    ), running as (
        select l.pid, l.transactionid, l.virtualtransaction, age(l.transactionid) as age
        from pg_locks l
        cross join waiting w
        where l.locktype = 'transactionid'
            and l.mode = 'ExclusiveLock'
            and l.pid is distinct from pg_backend_pid()
            and age(l.transactionid) >= age((w.xid % 4294967296)::text::xid)
    )
    select 'important', 'horizon_held', format('pid %s', r.pid),
        format(
            'its transaction %s is %s transactions old%s; log rows since %s wait for it', r.transactionid, r.age,
            coalesce(format(' (%s, %s, %s, begun %s)', s.usename, nullif(s.application_name, ''), s.state, s.xact_start), ''), w.oldest
        ),
        format('let it end, or select pg_terminate_backend(%s)', r.pid)
    from running r
    cross join waiting w
    left join pg_stat_activity s on s.pid = r.pid
    where r.pid is not null
    union all
    select 'important', 'horizon_held', format('prepared transaction %s', p.gid),
        format('it was prepared at %s; log rows since %s wait for it', p.prepared, w.oldest),
        format('commit prepared %L, or rollback prepared %1$L, in database %I', p.gid, p.database)
    from running r
    cross join waiting w
    join pg_prepared_xacts p on p.transaction = r.transactionid
    where r.pid is null
    union all
    select 'normal', 'slot_idle', format('replication slot %s', s.slot_name),
        format('nobody reads it, and it keeps what is %s transactions old from being cleaned', age(coalesce(s.xmin, s.catalog_xmin))),
        format('let its reader catch up, or select pg_drop_replication_slot(%L)', s.slot_name)
    from pg_replication_slots s
    where not s.active
        and coalesce(s.xmin, s.catalog_xmin) is not null;
$$;

comment on function audit._doctor_horizon(interval) is 'Who holds the horizon or the cleaning of the head back.';
revoke all on function audit._doctor_horizon(interval) from public;
