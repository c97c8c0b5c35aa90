-- Failures per rule and hour: folded base plus the findings that the tick has not passed. What was refused left no
-- finding; it is counted from the evidence that was kept, and in the base when that is dropped.
create or replace view audit.rule_activity as
    select a.rule_id, a.hour, sum(a.findings)::bigint as findings, sum(a.failed)::bigint as failed, sum(a.rejected)::bigint as rejected
    from (
        select b.rule_id, b.hour, b.findings, b.failed, b.rejected from audit.rule_activity_base b
        union all
        select f.rule_id, date_trunc('hour', coalesce(f.occurred_at, f.at), 'UTC'), count(*), sum(f.new_failed), 0
        from audit.finding f
        where f.xid >= (select p.folded_below from audit.progress p)
            and f.new_failed > 0
        group by 1, 2
        union all
        select r.rule_id, date_trunc('hour', r.at, 'UTC'), 0, 0, r.rows
        from audit.rejected_rule r
        where r.rule_id is not null
    ) a
    group by 1, 2;

comment on view audit.rule_activity is 'Failures per rule and hour, exact in the snapshot of the reader.';
comment on column audit.rule_activity.rule_id is 'The rule.';
comment on column audit.rule_activity.hour is 'Start of the hour in which the failures occurred.';
comment on column audit.rule_activity.findings is 'Statements with failing rows.';
comment on column audit.rule_activity.failed is 'Written rows that failed.';
comment on column audit.rule_activity.rejected is 'Rows that were refused, as far as the evidence was kept.';
