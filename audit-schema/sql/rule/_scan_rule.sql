-- How many rows of its table fail a rule, by reading the whole table. Null when the rule raises an error: what can not be
-- evaluated is not counted as passing. Null, too, for rules about changes and about who writes, which no scan can tell.
create or replace function audit._scan_rule(rule_id integer)
    returns bigint
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
    set datestyle = iso, ymd
    set timezone = utc
    set extra_float_digits = 1
    set intervalstyle = postgres
    set bytea_output = hex
as $$
#variable_conflict use_variable
declare
    relation regclass;
    rule record;
    failing bigint;
    nulls_fail boolean;
begin
    select w.relation, r.nulls = 'fail' into relation, nulls_fail from audit.rule r join audit.watched_table w using (table_id) where r.rule_id = _scan_rule.rule_id;
    select c.* into rule
    from audit.rule r
    cross join lateral audit._compiled_rule(r.table_id, 'new') c
    where r.rule_id = _scan_rule.rule_id and c.rule_id = _scan_rule.rule_id;

    if rule.class not in ('row', 'lookup') then
        return null;
    end if;

    execute case rule.kind
        when 'references' then format(
            'select count(*) from %1$s audit_row where %2$s (audit_row.%3$I is not null or %6$s) and not exists (select from %4$s audit_referenced where audit_referenced.%5$I = audit_row.%3$I)',
            relation, rule.applies || ' and', rule.definition ->> 'column', (rule.definition ->> 'table')::regclass, rule.definition ->> 'key', nulls_fail::text
        )
        when 'unique' then format(
            'select coalesce(sum(audit_key.rows - 1), 0) from (select count(*) as rows from %1$s audit_row where %2$s group by %3$s) audit_key',
            relation,
            (select string_agg(format('audit_row.%I is not null', c), ' and ') from unnest(rule.columns) c),
            (select string_agg(format('audit_row.%I', c), ', ') from unnest(rule.columns) c)
        )
        -- In the order of their starts, a row overlaps another one if an earlier one lasts, or if the next one has begun.
        when 'no_overlap' then format(
            'select count(*) from (select audit_row.%2$I as f, audit_row.%3$I as t, max(audit_row.%3$I) over earlier as reached, bool_or(audit_row.%3$I is null) over earlier as open, lead(audit_row.%2$I) over (%4$s order by audit_row.%2$I) as next '
            'from %1$s audit_row where %5$s window earlier as (%4$s order by audit_row.%2$I rows between unbounded preceding and 1 preceding)) audit_key '
            'where audit_key.open or audit_key.reached > audit_key.f or (audit_key.next is not null and (audit_key.t is null or audit_key.next < audit_key.t))',
            relation, rule.definition ->> 'from', rule.definition ->> 'to',
            (select 'partition by ' || string_agg(format('audit_row.%I', c), ', ') from jsonb_array_elements_text(rule.definition -> 'columns') c),
            concat_ws(
                ' and ',
                rule.applies,
                (select string_agg(format('audit_row.%I is not null', c), ' and ') from jsonb_array_elements_text(rule.definition -> 'columns') c),
                format('audit_row.%1$I is not null and (audit_row.%2$I is null or audit_row.%1$I < audit_row.%2$I)', rule.definition ->> 'from', rule.definition ->> 'to')
            )
        )
        else format('select count(*) from %s audit_row where %s', relation, rule.fails)
    end
    into failing;
    return failing;
exception
    when query_canceled or lock_not_available or deadlock_detected then
        raise;
    when others then
        return null;
end;
$$;

comment on function audit._scan_rule(integer) is 'How many rows of its table fail a rule, by reading the whole table.';
revoke all on function audit._scan_rule(integer) from public;
