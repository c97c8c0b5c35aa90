-- Records what a time-driven rule answered: the state of each of its groups, a transition where a state changed, and a finding
-- where a group begins or ends to fail, or where the rule begins to raise an error. A group that was known and is not in the
-- answer has no data. An answer about a rule as a whole, which a rule with groups gives when it raises an error or finds no
-- group at all, is forgotten with the next answer about groups; an error says nothing about groups, and what failed before it goes on failing.
create or replace function audit._record_answers(rule audit.rule, clock timestamptz, answers jsonb)
    returns void
    language sql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
    with answer as (
        select md5(a.group_values::text) as group_key, a.group_values, a.state, a.value, a.expected, a.detail, a.starts, a.samples
        from jsonb_to_recordset(answers) a (group_values jsonb, state text, value text, expected text, detail text, starts timestamptz, samples jsonb)
    ), known as (
        select s.group_key, s.group_values, s.state, s.fails, s.since, s.expected
        from audit.time_rule_state s
        where s.rule_id = rule.rule_id
    ), found as (
        select a.group_key, a.group_values, a.state, a.value, a.expected, a.detail, a.starts, a.samples, false as forgotten
        from answer a
        union all
        select
            k.group_key, k.group_values, case when k.group_values = '{}' then 'ok' else 'no_data' end, null, k.expected,
            case when k.group_values = '{}' then 'there are groups to judge' else 'there is nothing of it any more' end, null, null, k.group_values = '{}'
        from known k
        where not exists (select from answer a where a.group_key = k.group_key or a.state = 'error' and a.group_values = '{}')
    ), judged as (
        select
            f.*,
            f.state = 'failing'
                or f.state = 'no_data' and case coalesce(rule.definition ->> 'on_no_data', case rule.kind when 'fresh' then 'fail' when 'gap' then 'keep' end)
                    when 'fail' then true
                    when 'keep' then coalesce(k.fails, false)
                    else false
                end
                or f.state = 'error' and (rule.definition ->> 'on_error' = 'fail' or coalesce(k.fails, false)) is true as fails,
            k.state as was,
            coalesce(k.fails, false) as failed,
            k.since
        from found f
        left join known k using (group_key)
    ), transition as (
        insert into audit.time_rule_transition (rule_id, group_values, from_state, to_state, fails, at, value, expected, detail)
        select rule.rule_id, j.group_values, j.was, j.state, j.fails, clock, j.value, j.expected, j.detail
        from judged j
        where j.was is distinct from j.state or j.fails <> j.failed
        order by j.group_values
    ), finding as (
        insert into audit.finding (table_id, rule_id, op, rows, new_failed, old_failed, action, keys, samples, error, occurred_at)
        select
            rule.table_id,
            rule.rule_id,
            null,
            0,
            (j.fails and not j.failed)::integer,
            (j.failed and not j.fails)::integer,
            case when rule.shadow then 'shadow' else 'flag' end,
            (select array[string_agg(format('%s = %s', g.key, coalesce(g.value, 'null')), ', ' order by g.key)] from jsonb_each_text(j.group_values) g having count(*) > 0),
            json_build_array(j.group_values::jsonb || jsonb_strip_nulls(jsonb_build_object('found', j.detail, 'expected', j.expected))),
            case when j.state = 'error' then j.detail end,
            clock
        from judged j
        where j.fails <> j.failed or j.state = 'error' and j.was is distinct from 'error'
        order by j.group_values
    ), verdict as (
        insert into audit.volume_verdict as v (rule_id, group_key, starts, rows, anomalous)
        select rule.rule_id, j.group_key, j.starts, j.value::bigint, j.state = 'failing'
        from judged j
        where rule.kind = 'volume'
            and j.starts is not null
            and j.state <> 'no_data'
        on conflict on constraint volume_verdict_pkey do update
        set rows = excluded.rows, anomalous = excluded.anomalous
        where (v.rows, v.anomalous) is distinct from (excluded.rows, excluded.anomalous)
    ), outdated as (
        delete from audit.volume_verdict v
        where v.rule_id = rule.rule_id
            and rule.kind = 'volume'
            and v.starts < clock - 2 * (rule.definition ->> 'history')::interval
    ), forgotten as (
        delete from audit.time_rule_state s
        using judged j
        where s.rule_id = rule.rule_id
            and s.group_key = j.group_key
            and j.forgotten
    )
    insert into audit.time_rule_state as s (rule_id, group_key, group_values, state, fails, since, checked_at, value, expected, detail, samples)
    select rule.rule_id, j.group_key, j.group_values, j.state, j.fails, case when j.was = j.state then j.since else clock end, clock, j.value, j.expected, j.detail, j.samples
    from judged j
    where not j.forgotten
    order by j.group_key
    on conflict on constraint time_rule_state_pkey do update
    set state = excluded.state,
        fails = excluded.fails,
        since = excluded.since,
        checked_at = excluded.checked_at,
        value = excluded.value,
        expected = excluded.expected,
        detail = excluded.detail,
        samples = excluded.samples;
$$;

comment on function audit._record_answers(audit.rule, timestamptz, jsonb) is 'Records what a time-driven rule answered.';
revoke all on function audit._record_answers(audit.rule, timestamptz, jsonb) from public;
