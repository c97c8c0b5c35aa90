-- Drops findings, and what became of time-driven rules, that are older than their table keeps findings. A finding is as old as
-- the later of its two times, so that nobody makes it older than it is; one that is not counted yet stays, and so does the
-- transition to the state in which a group is.
create or replace function audit._retain_findings(clock timestamptz, most integer)
    returns bigint
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    findings bigint;
    transitions bigint;
begin
    delete from audit.finding f
    where f.finding_id = any (array(
        select d.finding_id
        from audit._kept('findings') k
        join audit.rule r using (table_id)
        cross join lateral (
            select f.finding_id
            from audit.finding f
            where f.rule_id = r.rule_id
                and coalesce(f.occurred_at, f.at) < clock - k.keep
                and f.at < clock - k.keep
                and f.xid < (select p.folded_below from audit.progress p)
            limit most
        ) d
        limit most
    ));
    get diagnostics findings = row_count;
    delete from audit.time_rule_transition t
    where t.time_rule_transition_id = any (array(
        select d.time_rule_transition_id
        from audit._kept('findings') k
        join audit.rule r using (table_id)
        cross join lateral (
            select t.time_rule_transition_id
            from audit.time_rule_transition t
            where t.rule_id = r.rule_id
                and t.at < clock - k.keep
                and exists (
                    select
                    from audit.time_rule_transition l
                    where l.rule_id = t.rule_id
                        and l.group_values = t.group_values
                        and l.time_rule_transition_id > t.time_rule_transition_id
                )
            limit most
        ) d
        where r.class = 'time'
        limit most
    ));
    get diagnostics transitions = row_count;
    return findings + transitions;
end;
$$;

comment on function audit._retain_findings(timestamp with time zone, integer) is 'Drops findings that are older than their table keeps them.';
revoke all on function audit._retain_findings(timestamp with time zone, integer) from public;
