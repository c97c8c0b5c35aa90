-- The question of a rule of the kind bounds: does a value over the measures of a summary lie in its bounds, in each group of the
-- bucket that is under way, or of the last one that is over? Numbers are numeric, so that a ratio of two counts is one. A
-- group for which the condition does not hold is not judged.
create or replace function audit._ask_bounds(rule audit.rule)
    returns text
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
    set intervalstyle = postgres
as $$
#variable_conflict use_variable
declare
    summary audit.summary;
    bucket jsonb;
    here text;
    columns text;
    labelled text;
begin
    select s.* into summary from audit.summary s where s.name = rule.definition ->> 'on' and s.retired_at is null;
    if not found or to_regclass(format('audit_compiled.%I', summary.name)) is null then
        raise exception using
            errcode = 'AU002',
            constraint = 'rule_is_about_a_summary',
            message = format('there is no summary `%s`', rule.definition ->> 'on');
    end if;
    bucket := nullif(summary.definition -> 'bucket', 'null');
    here := audit._stretch('$1', (bucket ->> 'width')::interval, coalesce(bucket ->> 'time_zone', 'UTC'));
    if rule.definition ->> 'bucket' = 'complete' then
        here := audit._stretch(here || ' - interval ''1 microsecond''', (bucket ->> 'width')::interval, coalesce(bucket ->> 'time_zone', 'UTC'));
    end if;
    select
        string_agg(case when t.typcategory = 'N' then format('audit_row.%1$I::numeric as %1$I', a.attname) else format('audit_row.%I', a.attname) end, ', ' order by a.attnum),
        format('jsonb_build_object(%s)', string_agg(
            format('%L, case when num_nulls(audit_row.%2$I) = 0 then format(''%%s'', audit_row.%2$I) end', a.attname, a.attname), ', ' order by a.attnum
        ) filter (where g.name is not null))
    into columns, labelled
    from pg_attribute a
    join pg_type t on t.oid = a.atttypid
    left join lateral (
        select g.value ->> 'name' as name
        from jsonb_array_elements(summary.definition -> 'group_by') g (value)
        where g.value ->> 'name' = a.attname
    ) g on true
    where a.attrelid = format('audit_compiled.%I', summary.name)::regclass
        and a.attnum > 0
        and not a.attisdropped;
    return format(
        $question$
            select
                v.group_values,
                case when v.value is null then 'no_data' when v.value < %1$s or v.value > %2$s then 'failing' else 'ok' end as state,
                trim_scale(round(v.value, 6))::text as value,
                %3$L as expected,
                case when v.value is null then 'there is too little to judge' else format('%%s is %%s', %4$L, trim_scale(round(v.value, 6))) end as detail,
                null::timestamptz as starts,
                null::jsonb as samples
            from (
                select audit_row."audit group" as group_values, case when (%5$s) then (%6$s)::numeric end as value
                from (select %7$s as "audit group", %8$s from audit_compiled.%9$I audit_row where %10$s) audit_row
            ) v
        $question$,
        coalesce(quote_literal(rule.definition ->> 'min') || '::numeric', '''-Infinity''::numeric'),
        coalesce(quote_literal(rule.definition ->> 'max') || '::numeric', '''Infinity''::numeric'),
        concat_ws(' and ', 'at least ' || (rule.definition ->> 'min'), 'at most ' || (rule.definition ->> 'max')),
        rule.definition ->> 'value',
        coalesce(rule.definition ->> 'when', 'true') || E'\n',
        (rule.definition ->> 'value') || E'\n',
        labelled,
        columns,
        summary.name,
        case when bucket is null then 'true' else 'audit_row.bucket = ' || here end
    );
end;
$$;

comment on function audit._ask_bounds(audit.rule) is 'The question of a rule of the kind bounds.';
revoke all on function audit._ask_bounds(audit.rule) from public;
