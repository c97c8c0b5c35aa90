-- Folds log rows into the counters and activity of their tables. The planner takes a batch for ten rows, and would sort and
-- loop.
create or replace function audit._fold_tables(batch tid[])
    returns void
    language sql
    volatile
    set search_path = pg_catalog, pg_temp
    set enable_sort = off
    set enable_nestloop = off
as $$
    with truncated as (
        select c.table_id, max(c.lsn) as truncated
        from audit.change c
        where c.ctid = any (batch)
            and c.op = 'T'
        group by c.table_id
    ), change as (
        select c.table_id, c.op, c.rows, c.lsn, coalesce(c.occurred_at, c.at) as occurred_at, t.truncated
        from audit.change c
        join audit.table_counter_base b using (table_id)
        left join truncated t on t.table_id = c.table_id and t.truncated >= b.start_lsn
        where c.ctid = any (batch)
            and c.lsn >= b.start_lsn
    ), moved as (
        select
            c.table_id,
            max(c.truncated) is not null as truncated,
            coalesce(sum(case c.op when 'I' then c.rows when 'D' then -c.rows else 0 end) filter (where c.lsn > coalesce(c.truncated, '0/0')), 0) as rows,
            coalesce(sum(c.rows) filter (where c.op = 'I'), 0) as inserted,
            coalesce(sum(c.rows) filter (where c.op = 'U'), 0) as updated,
            coalesce(sum(c.rows) filter (where c.op = 'D'), 0) as deleted,
            count(*) filter (where c.op = 'T') as truncates,
            max(c.occurred_at) as written_at
        from change c
        group by c.table_id
    )
    update audit.table_counter_base b
    set rows = case when m.truncated then 0 else b.rows end + m.rows,
        inserted = b.inserted + m.inserted,
        updated = b.updated + m.updated,
        deleted = b.deleted + m.deleted,
        truncated = b.truncated + m.truncates,
        written_at = greatest(b.written_at, m.written_at)
    from moved m
    where m.table_id = b.table_id;

    insert into audit.table_activity_base as b (table_id, hour, op, actor, changes, rows)
    select
        c.table_id,
        date_trunc('hour', coalesce(c.occurred_at, c.at), 'UTC'),
        c.op,
        coalesce(c.actor, c.application, c.session_role),
        count(*),
        sum(c.rows)
    from audit.change c
    where c.ctid = any (batch)
    group by 1, 2, 3, 4
    on conflict on constraint table_activity_base_pkey do update
    set changes = b.changes + excluded.changes,
        rows = b.rows + excluded.rows;
$$;

comment on function audit._fold_tables(tid[]) is 'Folds log rows into the counters and activity of their tables.';
revoke all on function audit._fold_tables(tid[]) from public;
