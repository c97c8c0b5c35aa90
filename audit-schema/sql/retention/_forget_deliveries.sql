-- Drops deliveries with their attempts. What was delivered goes on being counted.
create or replace function audit._forget_deliveries(due uuid[])
    returns bigint
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
    update audit.progress p
    set delivered = p.delivered + d.delivered
    from (select count(*) as delivered from audit.outbox o where o.delivery_id = any (due) and o.state = 'delivered') d
    where d.delivered > 0;
    delete from audit.delivery_attempt t where t.delivery_id = any (due);
    delete from audit.outbox o where o.delivery_id = any (due);
    return cardinality(due);
end;
$$;

comment on function audit._forget_deliveries(uuid[]) is 'Drops deliveries with their attempts.';
revoke all on function audit._forget_deliveries(uuid[]) from public;
