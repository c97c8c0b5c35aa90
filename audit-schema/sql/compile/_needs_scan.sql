-- Whether something of a table has no counter yet, or a void one, so that it has to start from a scan that holds writers
-- off. Summaries start while writers go on.
create or replace function audit._needs_scan(table_id integer)
    returns boolean
    language sql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    select not exists (select from audit.table_counter_base b where b.table_id = _needs_scan.table_id and b.start_lsn < 'FFFFFFFF/FFFFFFFF')
        or exists (
            select
            from audit.rule r
            where r.table_id = _needs_scan.table_id
                and r.retired_at is null
                -- Of rules about changes and writers no row can be said to fail now.
                and r.class in ('row', 'lookup')
                and not exists (select from audit.rule_counter_base b where b.rule_id = r.rule_id and b.start_lsn < 'FFFFFFFF/FFFFFFFF')
                and (r.broken is null or audit._broken_because(r.rule_id) is null)
        );
$$;

comment on function audit._needs_scan(integer) is 'Whether a counter of a table has to start from a scan.';
revoke all on function audit._needs_scan(integer) from public;
