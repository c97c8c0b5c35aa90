-- Marks the counters and summaries of a table as ones that must start again from a scan, at the next audit.compile():
-- rows came or went without a statement that wrote them.
create or replace function audit._void_counters(table_id integer)
    returns void
    language sql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
    update audit.table_counter_base b set start_lsn = 'FFFFFFFF/FFFFFFFF' where b.table_id = _void_counters.table_id;
    select audit._void_counter(r.rule_id) from audit.rule r where r.table_id = _void_counters.table_id and r.retired_at is null;
    update audit.summary s set start_lsn = 'FFFFFFFF/FFFFFFFF' where s.table_id = _void_counters.table_id and s.retired_at is null;
$$;

comment on function audit._void_counters(integer) is 'Marks the counters and summaries of a table as ones that must start again from a scan.';
revoke all on function audit._void_counters(integer) from public;
