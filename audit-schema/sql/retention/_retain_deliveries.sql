-- Drops messages that are older than messages are kept. What is still to be sent stays, and so does everything that was sent
-- about an alert that is open: it says who has to hear of its end.
create or replace function audit._retain_deliveries(clock timestamptz, most integer)
    returns bigint
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
    return audit._forget_deliveries(array(
        select o.delivery_id
        from audit.retention k
        join audit.outbox o on coalesce(o.delivered_at, o.created_at) < clock - k.keep::interval
        join audit.alert a using (alert_id)
        where k.kind = 'deliveries'
            and o.state in ('delivered', 'dead')
            and a.state = 'resolved'
            and not exists (
                select
                from audit.alert_transition t
                join audit.alert b using (alert_id)
                where t.alert_transition_id = any (o.more)
                    and b.state <> 'resolved'
            )
        limit most
    ));
end;
$$;

comment on function audit._retain_deliveries(timestamp with time zone, integer) is 'Drops messages that are older than messages are kept.';
revoke all on function audit._retain_deliveries(timestamp with time zone, integer) from public;
