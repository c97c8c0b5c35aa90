-- The log, one row per changed row, within bounds: of a table, of a span of time, of one log position, of a transaction.
-- What is null bounds nothing. Segments that lie outside are not unpacked, and those of earlier months not looked at (with a
-- day to spare, for a tick that works at midnight).
create or replace function audit._changes(
    only_table integer default null,
    since timestamptz default null,
    until timestamptz default null,
    only_lsn pg_lsn default null,
    only_xid xid8 default null
)
    returns table (
        table_id integer, lsn pg_lsn, place bigint, xid xid8, at timestamptz, op "char", old_key text, new_key text, old jsonb, new jsonb,
        actor text, session_role text, cause text
    )
    language plpgsql
    stable
    rows 100000
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select
        c.table_id, c.lsn, r.place, c.xid, c.at, c.op, r.old_key, r.new_key, r.old, r.new,
        c.actor, c.session_role, c.cause
    from audit.change c
    left join audit.watched_table w on w.table_id = c.table_id
    cross join lateral audit._rows(c.rows, c.old, c.new, w.key_columns) r
    where (only_table is null or c.table_id = only_table)
        and (since is null or c.at >= since)
        and (until is null or c.at <= until)
        and (only_lsn is null or c.lsn = only_lsn)
        and (only_xid is null or c.xid = only_xid)
        and c.op <> 'T'
    union all
    select
        s.table_id, x.lsn, x.place, x.xid, x.at, s.op, x.old_key, x.new_key, x.old, x.new,
        x.actor, x.session_role, x.cause
    from audit.segment s
    left join audit.watched_table w on w.table_id = s.table_id
    cross join lateral audit._packed_rows(s, w.key_columns) x
    where (only_table is null or s.table_id = only_table)
        and (since is null or s.month >= date_trunc('month', since - interval '1 day', 'utc')::date and s.at_hi >= since and x.at >= since)
        and (until is null or s.at_lo <= until and x.at <= until)
        and (only_lsn is null or only_lsn between s.lsn_lo and s.lsn_hi and x.lsn = only_lsn)
        and (only_xid is null or only_xid between s.xid_lo and s.xid_hi and x.xid = only_xid)
        and s.op <> 'T';
end;
$$;

comment on function audit._changes(integer, timestamptz, timestamptz, pg_lsn, xid8) is 'The log, one row per changed row, within bounds.';
revoke all on function audit._changes(integer, timestamptz, timestamptz, pg_lsn, xid8) from public;
