-- Folds the findings of transactions from one horizon up to the next into the counters and activity of their rules.
create or replace function audit._fold_rules(from_xid xid8, to_xid xid8)
    returns void
    language sql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
    with finding as (
        select f.rule_id, f.lsn, case when r.class in ('row', 'lookup') then f.new_failed - f.old_failed else 0 end as moved, f.error, max(f.lsn) filter (where f.op = 'T') over (partition by f.rule_id) as truncated
        from audit.finding f
        join audit.rule_counter_base b using (rule_id)
        join audit.rule r using (rule_id)
        where f.xid >= from_xid
            and f.xid < to_xid
            and f.lsn >= b.start_lsn
    ), moved as (
        select
            f.rule_id,
            max(f.truncated) is not null as truncated,
            coalesce(sum(f.moved) filter (where f.lsn > coalesce(f.truncated, '0/0')), 0) as failing,
            count(f.error) as errors
        from finding f
        group by f.rule_id
    )
    update audit.rule_counter_base b
    set failing = case when m.truncated then 0 else b.failing end + m.failing,
        errors = b.errors + m.errors
    from moved m
    where m.rule_id = b.rule_id;

    insert into audit.rule_activity_base as b (rule_id, hour, findings, failed)
    select f.rule_id, date_trunc('hour', coalesce(f.occurred_at, f.at), 'UTC'), count(*), sum(f.new_failed)
    from audit.finding f
    where f.xid >= from_xid
        and f.xid < to_xid
        and f.new_failed > 0
        and exists (select from audit.rule r where r.rule_id = f.rule_id)
    group by 1, 2
    on conflict on constraint rule_activity_base_pkey do update
    set findings = b.findings + excluded.findings,
        failed = b.failed + excluded.failed;
$$;

comment on function audit._fold_rules(xid8, xid8) is 'Folds findings into the counters and activity of their rules.';
revoke all on function audit._fold_rules(xid8, xid8) from public;
