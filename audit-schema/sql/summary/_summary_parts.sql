-- The fragments of which the statements about a summary are made: over source rows audit_row with a column "audit sign"
-- that is 1 for a row that came and -1 for one that went.
create or replace function audit._summary_parts(
    summary_id integer,
    out base text,
    out view text,
    out keys text,
    out keys_named text,
    out key_names text,
    out key_text text,
    out totals text,
    out total_names text,
    out added text,
    out measures text,
    out columns_with_types text,
    out condition text
)
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    with summary as (
        select s.name, s.definition from audit.summary s where s.summary_id = _summary_parts.summary_id
    ), part as (
        select p.position, p.value ->> 'role' as role, p.value ->> 'name' as name, p.value ->> 'expression' as expression, p.value ->> 'type' as type
        from summary s
        cross join jsonb_array_elements(s.definition -> 'checked') with ordinality p (value, position)
    ), total as (
        -- What is kept of each measure: a sum of signs, and for sum and avg the signed sum of the values.
        select p.position, 1 as nth, format('m%s_count', p.position) as name, 'bigint' as type, case
            when p.role = 'count_if' then format('sum(case when %s then audit_row."audit sign" else 0 end)', p.expression)
            when p.expression is null then 'sum(audit_row."audit sign")'
            else format('sum(case when (%s) is null then 0 else audit_row."audit sign" end)', p.expression)
        end as expression
        from part p
        where p.role in ('count', 'count_if', 'sum', 'avg')
        union all
        select p.position, 2, format('m%s_sum', p.position), 'numeric', format('coalesce(sum(audit_row."audit sign" * %s), 0)', p.expression)
        from part p
        where p.role in ('sum', 'avg')
    )
    select
        format('audit_compiled.%I', s.name || '_base'),
        format('audit_compiled.%I', s.name),
        coalesce((select string_agg(p.expression, ', ' order by p.position) from part p where p.role in ('bucket', 'group')), ''),
        coalesce((select string_agg(format('%s as %I', p.expression, p.name), ', ' order by p.position) from part p where p.role in ('bucket', 'group')), ''),
        coalesce((select string_agg(format('%I', p.name), ', ' order by p.position) from part p where p.role in ('bucket', 'group')), ''),
        -- Output functions, not casts: a cast may be anybody's function.
        format('array[%s]::text[]::text', (
            select string_agg(format('case when (%1$s) is not null then format(''%%s'', %1$s) end', p.expression), ', ' order by p.position)
            from part p
            where p.role in ('bucket', 'group')
        )),
        (select string_agg(t.expression || ' as ' || t.name, ', ' order by t.position, t.nth) from total t),
        (select string_agg(t.name, ', ' order by t.position, t.nth) from total t),
        (select string_agg(format('%1$s = audit_base.%1$s + excluded.%1$s', t.name), ', ' order by t.position, t.nth) from total t),
        (select string_agg(
            case p.role
                when 'sum' then format('case when sum(audit_part.m%1$s_count) > 0 then sum(audit_part.m%1$s_sum) end', p.position)
                when 'avg' then format('sum(audit_part.m%1$s_sum) / nullif(sum(audit_part.m%1$s_count), 0)', p.position)
                else format('sum(audit_part.m%s_count)::bigint', p.position)
            end || format(' as %I', p.name),
            ', ' order by p.position
        ) from part p where p.role in ('count', 'count_if', 'sum', 'avg')),
        concat_ws(', ',
            (select string_agg(format('%I %s', p.name, p.type), ', ' order by p.position) from part p where p.role in ('bucket', 'group')),
            (select string_agg(format('%s %s not null', t.name, t.type), ', ' order by t.position, t.nth) from total t)
        ),
        coalesce((select p.expression from part p where p.role = 'where'), 'true')
    from summary s;
$$;

comment on function audit._summary_parts(integer) is 'The fragments of which the statements about a summary are made.';
revoke all on function audit._summary_parts(integer) from public;
