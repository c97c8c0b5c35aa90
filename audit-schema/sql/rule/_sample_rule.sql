-- How many of some rows of its table fail a rule, for plans about large tables. The rows are those of random blocks, the
-- same ones each time. Nothing is said of rules that no part of a table can tell of, and where the rule raises an error.
create or replace function audit._sample_rule(rule_id integer, percent double precision)
    returns table (failing bigint, rows bigint)
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
    nulls_fail boolean;
    fails text;
begin
    select w.relation, r.nulls = 'fail' into relation, nulls_fail from audit.rule r join audit.watched_table w using (table_id) where r.rule_id = _sample_rule.rule_id;
    select c.* into rule
    from audit.rule r
    cross join lateral audit._compiled_rule(r.table_id, 'new') c
    where r.rule_id = _sample_rule.rule_id and c.rule_id = _sample_rule.rule_id;

    fails := case
        when rule.kind = 'references' then format(
            '%1$s (audit_row.%2$I is not null or %5$s) and not exists (select from %3$s audit_referenced where audit_referenced.%4$I = audit_row.%2$I)',
            rule.applies || ' and', rule.definition ->> 'column', (rule.definition ->> 'table')::regclass, rule.definition ->> 'key', nulls_fail::text
        )
        when rule.class = 'row' then rule.fails
    end;
    if fails is null then
        return;
    end if;
    return query execute format('select count(*) filter (where %s), count(*) from %s audit_row tablesample system (%s) repeatable (1)', fails, relation, percent);
exception
    when query_canceled or lock_not_available or deadlock_detected then
        raise;
    when others then
        return;
end;
$$;

comment on function audit._sample_rule(integer, double precision) is 'How many of some rows of its table fail a rule.';
revoke all on function audit._sample_rule(integer, double precision) from public;
