-- Marks the counter of a rule as one that must start again from a scan, at the next audit.compile(): what it says is no
-- longer what a scan would say. No finding lies behind the last log position there is.
create or replace function audit._void_counter(rule_id integer)
    returns void
    language sql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
    update audit.rule_counter_base b set start_lsn = 'FFFFFFFF/FFFFFFFF' where b.rule_id = _void_counter.rule_id;
$$;

comment on function audit._void_counter(integer) is 'Marks the counter of a rule as one that must start again from a scan.';
revoke all on function audit._void_counter(integer) from public;
