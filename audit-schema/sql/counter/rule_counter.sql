-- Rows that fail a rule now: folded base plus the findings that the tick has not passed. Of a time-driven rule it is the
-- groups that fail and those that raised an error, as the tick found them.
create or replace view audit.rule_counter as
    with finding as (
        select f.rule_id, f.lsn, case when r.class in ('row', 'lookup') then f.new_failed - f.old_failed else 0 end as moved, f.error, max(f.lsn) filter (where f.op = 'T') over (partition by f.rule_id) as truncated
        from audit.finding f
        join audit.rule_counter_base b using (rule_id)
        join audit.rule r using (rule_id)
        where f.xid >= (select p.folded_below from audit.progress p)
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
    select
        r.rule_id,
        r.table_id,
        (case when m.truncated then 0 else b.failing end + coalesce(m.failing, 0))::bigint as failing,
        b.errors + coalesce(m.errors, 0) as errors
    from audit.rule r
    join audit.rule_counter_base b using (rule_id)
    left join moved m using (rule_id)
    where r.retired_at is null
    union all
    select r.rule_id, r.table_id, count(*) filter (where s.fails), count(*) filter (where s.state = 'error')
    from audit.rule r
    left join audit.time_rule_state s using (rule_id)
    where r.class = 'time'
        and r.retired_at is null
    group by r.rule_id, r.table_id;

comment on view audit.rule_counter is 'Rows that fail a live rule now, exact in the snapshot of the reader.';
comment on column audit.rule_counter.rule_id is 'The rule.';
comment on column audit.rule_counter.table_id is 'The watched table.';
comment on column audit.rule_counter.failing is 'Rows that fail the rule now; groups of a time-driven rule.';
comment on column audit.rule_counter.errors is 'Statements for which the rule could not be evaluated; of a time-driven rule whether it can not be now.';
