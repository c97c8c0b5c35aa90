-- The condition under which a change, of which the expressions `xid` and `lsn` are given, is not in the scan a summary
-- started from: its transaction was not over for the snapshot of the scan; in the transaction that scanned it came later.
create or replace function audit._since_start(summary_id integer, xid text, lsn text)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select format(
        '(case when %1$s = %3$L::xid8 then %2$s >= %4$L::pg_lsn else %1$s >= %5$L::xid8 or not pg_visible_in_snapshot(%1$s, %6$L::pg_snapshot) end)',
        xid, lsn, s.start_xid, s.start_lsn, pg_snapshot_xmax(s.start_snapshot), s.start_snapshot
    )
    from audit.summary s
    where s.summary_id = _since_start.summary_id;
$$;

comment on function audit._since_start(integer, text, text) is 'The condition under which a change is not in the scan a summary started from.';
revoke all on function audit._since_start(integer, text, text) from public;
