-- Rows in a watched table and changes since the watch began: folded base plus the head.
create or replace view audit.table_counter as
    with change as (
        select c.table_id, c.op, c.rows, c.lsn, coalesce(c.occurred_at, c.at) as occurred_at, max(c.lsn) filter (where c.op = 'T') over (partition by c.table_id) as truncated
        from audit.change c
        join audit.table_counter_base b using (table_id)
        where c.lsn >= b.start_lsn
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
    select
        b.table_id,
        case when m.truncated then 0 else b.rows end + coalesce(m.rows, 0) as rows,
        b.inserted + coalesce(m.inserted, 0) as inserted,
        b.updated + coalesce(m.updated, 0) as updated,
        b.deleted + coalesce(m.deleted, 0) as deleted,
        b.truncated + coalesce(m.truncates, 0) as truncated,
        greatest(b.written_at, m.written_at) as written_at
    from audit.table_counter_base b
    left join moved m using (table_id);

comment on view audit.table_counter is 'Rows in a watched table and changes since the watch began, exact in the snapshot of the reader.';
comment on column audit.table_counter.table_id is 'The watched table.';
comment on column audit.table_counter.rows is 'Rows in the table now.';
comment on column audit.table_counter.inserted is 'Rows inserted since the watch began.';
comment on column audit.table_counter.updated is 'Rows updated since the watch began.';
comment on column audit.table_counter.deleted is 'Rows deleted since the watch began.';
comment on column audit.table_counter.truncated is 'How often the table was truncated since the watch began.';
comment on column audit.table_counter.written_at is 'When the newest change occurred; null if there was none since the watch began.';
