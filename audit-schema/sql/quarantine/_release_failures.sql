-- Which of the rows that this transaction has just written back fail a quarantine rule, with the reasons: what was set
-- aside or hidden again names its row, and a row whose version before failed too, so that it was only flagged, stands in
-- the finding. facts names the rules; it is null when no row fails.
create or replace function audit._release_failures(
    table_id integer,
    ids uuid[],
    start_at timestamptz,
    start_lsn pg_lsn,
    out failing jsonb,
    out facts jsonb
)
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
    select jsonb_agg(audit._rule_reason(f.rule_id) order by f.rule_id)
    into facts
    from (
        select distinct f.rule_id
        from audit.finding f
        where f.xid = pg_current_xact_id()
            and f.lsn >= start_lsn
            and f.table_id = table_id
            and f.action = 'quarantine'
            and f.new_failed > 0
    ) f;
    if facts is null then
        return;
    end if;
    select jsonb_object_agg(v.quarantine_id, v.reasons)
    into failing
    from (
        select e.quarantine_id, jsonb_agg(audit._rule_reason(v.rule_id) order by v.rule_id) as reasons
        from (
            select a.key, r.rule_id
            from audit.quarantine a
            cross join unnest(a.rules) r (rule_id)
            where a.table_id = table_id
                and a.state = 'held'
                and a.at >= start_at
                and a.lsn >= start_lsn
                and a.xid = pg_current_xact_id()
            union
            select k.key, f.rule_id
            from audit.finding f
            cross join unnest(f.keys) k (key)
            where f.xid = pg_current_xact_id()
                and f.lsn >= start_lsn
                and f.table_id = table_id
                and f.action = 'quarantine'
                and f.new_failed > 0
        ) v
        join audit.quarantine e on e.key = v.key and e.quarantine_id = any (ids)
        group by e.quarantine_id
    ) v;
end;
$$;

comment on function audit._release_failures(integer, uuid[], timestamptz, pg_lsn) is 'Which of the rows that this transaction has just written back fail a quarantine rule, with the reasons.';
revoke all on function audit._release_failures(integer, uuid[], timestamptz, pg_lsn) from public;
