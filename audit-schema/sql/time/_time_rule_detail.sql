-- What is told about a time-driven rule that fails: the words of its first three groups that do, and of all if none does. Null
-- for a rule of another class.
create or replace function audit._time_rule_detail(rule audit.rule)
    returns jsonb
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select jsonb_build_object('detail', coalesce(
        string_agg(concat(nullif(t.name, '') || ': ', t.detail), '; ' order by t.nth) filter (where t.nth <= 3)
            || case when count(*) > 3 then format(' and %s more', count(*) - 3) else '' end,
        'not asked yet'
    ))
    from (
        select
            s.detail,
            (select string_agg(coalesce(g.value, 'null'), ', ' order by g.key) from jsonb_each_text(s.group_values) g) as name,
            row_number() over (order by s.since, s.group_values) as nth
        from audit.time_rule_state s
        where s.rule_id = rule.rule_id
            and (s.fails or s.state = 'error' or not exists (select from audit.time_rule_state o where o.rule_id = rule.rule_id and (o.fails or o.state = 'error')))
    ) t
    where rule.class = 'time'
    having rule.class = 'time';
$$;

comment on function audit._time_rule_detail(audit.rule) is 'What is told about a time-driven rule that fails.';
revoke all on function audit._time_rule_detail(audit.rule) from public;
