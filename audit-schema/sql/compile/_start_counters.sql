-- Starts the counters that have no base yet, or whose base is void, from a scan. audit.compile() has locked the table, so that no writer comes in
-- until the transaction ends: every change before start_lsn is in the scan and none after it.
create or replace function audit._start_counters(table_id integer)
    returns void
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    watched audit.watched_table;
    rule record;
    counted bigint;
begin
    select w.* into watched from audit.watched_table w where w.table_id = _start_counters.table_id;

    if not exists (select from audit.table_counter_base b where b.table_id = _start_counters.table_id and b.start_lsn < 'FFFFFFFF/FFFFFFFF') then
        execute format('select count(*) from %s', watched.relation) into counted;
        insert into audit.table_counter_base as b (table_id, rows, rows_at_start, start_lsn) values (table_id, counted, counted, pg_current_wal_insert_lsn())
        on conflict on constraint table_counter_base_pkey do update set rows = excluded.rows, start_lsn = excluded.start_lsn;
    end if;

    for rule in
        select r.rule_id, r.class in ('row', 'lookup') as counted
        from audit._compiled_rule(table_id, 'new') r
        where not exists (select from audit.rule_counter_base b where b.rule_id = r.rule_id and b.start_lsn < 'FFFFFFFF/FFFFFFFF')
    loop
        counted := case when rule.counted then audit._scan_rule(rule.rule_id) else 0 end;
        insert into audit.rule_counter_base as b (rule_id, failing, errors, start_lsn)
        values (rule.rule_id, coalesce(counted, 0), case when counted is null then 1 else 0 end, pg_current_wal_insert_lsn())
        on conflict on constraint rule_counter_base_pkey do update
        set failing = excluded.failing, errors = b.errors + excluded.errors, start_lsn = excluded.start_lsn;
    end loop;
end;
$$;

comment on function audit._start_counters(integer) is 'Starts the counters that have no base yet from a scan.';
revoke all on function audit._start_counters(integer) from public;
