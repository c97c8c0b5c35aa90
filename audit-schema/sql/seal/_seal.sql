-- Packs log rows into segments. A log row of many rows becomes a segment as it is. Single and few rows are gathered by
-- table, kind of change and columns, sorted by key, and packed by the thousand, so that a log of single-row writes ends
-- as small as one of bulk writes. The columns are those that the log rows have, not those that the table has now, and not
-- those that updates of many rows left out.
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
    keys text[];
    old_keys text[];
begin
    perform audit._add_partition(date_trunc('month', now())::date);

    for change in
        select c.* from audit.change c where c.ctid = any (batch) and (c.rows >= many or c.op = 'T') order by c.lsn
    loop
        select audit._key_columns_at(w.table_id, change.lsn, w.key_columns) into key_columns from audit.watched_table w where w.table_id = change.table_id;
        segment := null;
        segment.table_id := change.table_id;
        segment.op := change.op;
        segment.rows := change.rows;
        segment.shape := change.shape;
        segment.lsn_lo := change.lsn;
        segment.lsn_hi := change.lsn;
        segment.xid_lo := change.xid;
        segment.xid_hi := change.xid;
        segment.at_lo := change.at;
        segment.at_hi := change.at;
        keys := audit._keys(coalesce(change.new, change.old), key_columns);
        old_keys := nullif(audit._keys(change.old, key_columns), keys);
        select min(k.key collate "C"), max(k.key collate "C")
        into segment.key_lo, segment.key_hi
        from unnest(keys || old_keys) k (key);
        segment.key_hashes := audit._key_hashes(change.table_id, keys || old_keys);
        segment.lsns := array[change.lsn];
        segment.xids := array[change.xid];
        segment.ats := array[change.at];
        segment.occurred_ats := case when change.occurred_at is not null then array[change.occurred_at] end;
        segment.contexts := json_strip_nulls(json_build_object(
            'session_role', change.session_role,
            'role', nullif(change.role, 'none'),
            'actor', change.actor,
            'application', change.application,
            'client', change.client,
            'request_id', change.request_id,
            'cause', change.cause
        ));
        segment.old := change.old;
        segment.new := change.new;
        perform audit._append_segment(segment);
    end loop;

    for shape in
        select
            s.table_id,
            s.op,
            s.shape,
            s.batch,
            audit._key_columns_at(s.table_id, c.lsn, w.key_columns) as key_columns,
            array(select json_object_keys(coalesce(c.old, c.new))) as columns
        from (
            select c.table_id, c.op, c.shape, n.columns, array_agg(c.ctid) as batch
            from audit.change c
            cross join lateral (
                select case when c.op = 'U' and c.rows > 1 then array(select json_object_keys(c.old)) end as columns
            ) n
            where c.ctid = any (batch)
                and c.rows < many
                and c.op <> 'T'
            group by c.table_id, c.op, c.shape, n.columns
        ) s
        join audit.change c on c.ctid = s.batch[1]
        left join audit.watched_table w on w.table_id = s.table_id
        order by s.table_id, s.op, s.shape, s.columns
    loop
        for segment in execute audit._pack_query(shape.op, shape.columns, shape.key_columns) using shape.batch, shape.table_id
        loop
            segment.table_id := shape.table_id;
            segment.op := shape.op;
            segment.shape := shape.shape;
            perform audit._append_segment(segment);
        end loop;
    end loop;
end;
$$;

comment on function audit._seal(tid[]) is 'Packs log rows into segments.';
revoke all on function audit._seal(tid[]) from public;
