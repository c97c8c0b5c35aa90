-- Refuses an alert policy whose condition PostgreSQL does not understand. The condition is parsed over a row that has the
-- names and types of what the policy looks at, and is not evaluated. Without a summary the policy is about rules.
create or replace function audit._check_alert(definition jsonb, summary_id integer default null)
    returns void
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
declare
    condition text := definition ->> 'when';
    variables text;
begin
    if condition ~ ';' then
        raise exception using
            errcode = 'AU002',
            constraint = 'alert_condition_is_not_valid',
            message = 'a condition may not contain a semicolon',
            hint = 'Write chr(59) where the character itself is meant.';
    end if;

    if summary_id is null then
        variables := 'null::integer as rule_id, null::integer as table_id, null::text as "table", null::text as rule, null::text as kind, '
            'null::text as severity, null::text as action, null::text as owner, null::text as why, null::bigint as failing, '
            'null::bigint as errors, null::bigint as rows, null::numeric as failing_ratio';
    else
        select string_agg(
            format(
                'null::%s as %I',
                case part.value ->> 'role'
                    when 'count' then 'bigint'
                    when 'count_if' then 'bigint'
                    when 'sum' then 'numeric'
                    when 'avg' then 'numeric'
                    else part.value ->> 'type'
                end,
                part.value ->> 'name'
            ),
            ', ' order by part.position
        )
        into variables
        from audit.summary as summary
        cross join jsonb_array_elements(summary.definition -> 'checked') with ordinality as part (value, position)
        where summary.summary_id = _check_alert.summary_id
            and part.value ->> 'role' <> 'where';
    end if;

    begin
        execute format(E'select from (select %s) as audit_row where false and (%s\n) is true', variables, condition);
    exception when others then
        raise exception using
            errcode = 'AU002',
            constraint = 'alert_condition_is_not_valid',
            message = sqlerrm,
            detail = condition,
            hint = format('It is SQL over %s.', (
                select string_agg(trim(both '"' from (regexp_match(variable, ' as (\S+)$'))[1]), ', ')
                from regexp_split_to_table(variables, ', (?=null::)') as variable
            ));
    end;
end;
$$;

comment on function audit._check_alert(jsonb, integer) is 'Refuses an alert policy whose condition PostgreSQL does not understand.';
revoke all on function audit._check_alert(jsonb, integer) from public;
