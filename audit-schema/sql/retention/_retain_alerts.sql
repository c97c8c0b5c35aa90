-- Drops alerts that were resolved longer ago than alerts are kept, with their history and what was sent of it. An alert that is
-- open stays, as does one that somebody resolved while what it is about goes on, and one of which a message is still to be sent.
create or replace function audit._retain_alerts(clock timestamptz, most integer)
    returns bigint
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    due uuid[] := array(
        select a.alert_id
        from audit.retention k
        join audit.alert a on a.resolved_at < clock - k.keep::interval
        where k.kind = 'alerts'
            and a.state = 'resolved'
            and not a.stays_resolved
            and not exists (select from audit.outbox o where o.alert_id = a.alert_id and o.state in ('ready', 'sending'))
            and not exists (
                select
                from audit.outbox o
                where o.kind in ('several', 'digest')
                    and o.state in ('ready', 'sending')
                    and o.more && array(select t.alert_transition_id from audit.alert_transition t where t.alert_id = a.alert_id)
            )
            -- One message may tell of several alerts; while another of them is open, it says who has to hear of its end.
            and not exists (
                select
                from audit.outbox o
                join audit.alert_transition t on t.alert_transition_id = any (o.more)
                join audit.alert b on b.alert_id = t.alert_id
                where o.alert_id = a.alert_id
                    and b.state <> 'resolved'
            )
        order by a.resolved_at
        limit most
    );
begin
    perform audit._forget_deliveries(array(select o.delivery_id from audit.outbox o where o.alert_id = any (due)));
    delete from audit.alert_transition t where t.alert_id = any (due);
    delete from audit.alert a where a.alert_id = any (due);
    return cardinality(due);
end;
$$;

comment on function audit._retain_alerts(timestamp with time zone, integer) is 'Drops alerts that were resolved longer ago than alerts are kept.';
revoke all on function audit._retain_alerts(timestamp with time zone, integer) from public;
