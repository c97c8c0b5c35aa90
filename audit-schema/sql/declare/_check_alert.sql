-- Refuses an alert policy one of whose conditions, when and until, PostgreSQL does not understand. A condition is parsed over
-- a row that has the names and types of what the policy looks at, and is not evaluated.
create or replace function audit._check_alert(definition jsonb, summary_id integer default null)
    returns void
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
declare
    condition record;
    about text := 'null::integer as rule_id, null::integer as table_id, null::text as "table", null::text as severity, null::text as owner, ';
    variables text;
begin
    if summary_id is null then
        about := about || case
            when definition ->> 'per' = 'table' then 'null::bigint as rules, '
            else 'null::text as rule, null::text as kind, null::text as action, null::text as why, '
        end;
        variables := about || case definition ->> 'on'
            when 'findings' then 'null::bigint as findings, null::bigint as failed, null::bigint as errors, null::bigint as rejected'
            when 'overdue' then 'null::bigint as overdue, null::bigint as failing, null::bigint as held'
            else 'null::bigint as failing, null::bigint as errors, null::bigint as rows, null::numeric as failing_ratio'
        end;
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

    for condition in
        select given.text, given.fact
        from (values
            (definition ->> 'when', 'alert_condition_is_not_valid'),
            (definition ->> 'until', 'alert_ending_is_not_valid')
        ) as given (text, fact)
        where given.text is not null
    loop
        if condition.text ~ ';' then
            raise exception using
                errcode = 'AU002',
                constraint = condition.fact,
                message = 'a condition may not contain a semicolon',
                hint = 'Write chr(59) where the character itself is meant.';
        end if;

        begin
            execute format(E'select from (select %s) as audit_row where false and (%s\n) is true', variables, condition.text);
        exception when others then
            raise exception using
                errcode = 'AU002',
                constraint = condition.fact,
                message = sqlerrm,
                detail = condition.text,
                hint = format('It is SQL over %s.', (
                    select string_agg(trim(both '"' from (regexp_match(variable, ' as (\S+)$'))[1]), ', ')
                    from regexp_split_to_table(variables, ', (?=null::)') as variable
                ));
        end;
    end loop;
end;
$$;

comment on function audit._check_alert(jsonb, integer) is 'Refuses an alert policy one of whose conditions PostgreSQL does not understand.';
revoke all on function audit._check_alert(jsonb, integer) from public;
