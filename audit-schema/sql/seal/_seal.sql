-- Packs log rows into segments. A log row of many rows becomes a segment as it is. Single and few rows are gathered by
-- table, kind of change and columns, sorted by key, and packed by the thousand, so that a log of single-row writes ends
-- as small as one of bulk writes. The columns are those that the log rows have, not those that the table has now.
create or replace function audit._seal(batch tid[])
    returns void
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
    set timezone = utc
    set datestyle = iso, ymd
as $$
#variable_conflict use_variable
declare
    many constant integer := 500;
    segment audit.segment;
    shape record;
    change audit.change;
    key_columns text[];
begin
    perform audit._add_partition(date_trunc('month', now())::date);

    for change in
        select c.* from audit.change c where c.ctid = any (batch) and (c.rows >= many or c.op = 'T') order by c.lsn
    loop
        select w.key_columns into key_columns from audit.watched_table w where w.table_id = change.table_id;
        segment := null;
        segment.table_id := change.table_id;
        segment.op := change.op;
        segment.rows := change.rows;
        segment.lsn_lo := change.lsn;
        segment.lsn_hi := change.lsn;
        segment.xid_lo := change.xid;
        segment.xid_hi := change.xid;
        segment.at_lo := change.at;
        segment.at_hi := change.at;
        segment.key_lo := change.key_lo;
        segment.key_hi := change.key_hi;
        segment.keys := audit._keys(coalesce(change.new, change.old), key_columns);
        if change.op = 'U' then
            segment.old_keys := nullif(audit._keys(change.old, key_columns), segment.keys);
        end if;
        segment.contexts := json_build_array(audit._context(change));
        segment.old := change.old;
        segment.new := audit._without_unchanged(change.new, change.old, key_columns);
        perform audit._append_segment(segment);
    end loop;

    for shape in
        select
            c.table_id,
            c.op,
            coalesce(w.key_columns, '{}') as key_columns,
            s.columns,
            array_agg(c.ctid) as batch
        from audit.change c
        left join audit.watched_table w using (table_id)
        cross join lateral (select array(select json_object_keys(coalesce(c.new, c.old))) as columns) s
        where c.ctid = any (batch)
            and c.rows < many
            and c.op <> 'T'
        group by c.table_id, c.op, w.key_columns, s.columns
        order by c.table_id, c.op, s.columns
    loop
        for segment in execute audit._pack_query(shape.op, shape.columns, shape.key_columns) using shape.batch
        loop
            segment.table_id := shape.table_id;
            segment.op := shape.op;
            segment.new := audit._without_unchanged(segment.new, segment.old, shape.key_columns);
            perform audit._append_segment(segment);
        end loop;
    end loop;
end;
$$;

comment on function audit._seal(tid[]) is 'Packs log rows into segments.';
revoke all on function audit._seal(tid[]) from public;
