-- The fragments of which the statements about a summary are made: over source rows audit_row with a column "audit sign"
-- that is 1 for a row that came and -1 for one that went. In base and view a key is called k<n> and what is kept of a
-- measure m<n>, n being its place in the declaration, so that no name of anybody's can clash.
create or replace function audit._summary_parts(
    summary_id integer,
    out base text,
    out view text,
    out keys text,
    out keys_named text,
    out key_names text,
    out key_numbers text,
    out key_values text,
    out key_texts text,
    out base_key_texts text,
    out totals text,
    out total_names text,
    out added text,
    out sums text,
    out columns text,
    out columns_with_types text,
    out condition text
)
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    with summary as (
        select s.summary_id, s.name, s.definition, s.standing from audit.summary s where s.summary_id = _summary_parts.summary_id
    ), part as (
        select
            p.position,
            p.value ->> 'role' as role,
            p.value ->> 'name' as name,
            p.value ->> 'expression' as expression,
            p.value ->> 'type' as type,
            p.value -> 'reference' as reference,
            p.value ->> 'role' in ('sum', 'avg', 'stddev') and p.value ->> 'type' not in ('smallint', 'integer', 'bigint') as has_specials
        from summary s
        cross join jsonb_array_elements(s.definition -> 'checked') with ordinality p (value, position)
    ), key as (
        select p.position, row_number() over (order by p.position) as number, format('k%s', p.position) as name, p.name as column_name, p.expression, p.type, p.reference
        from part p
        where p.role in ('bucket', 'group')
    ), total as (
        -- A sum of signs, and signed sums of the numbers and their squares. What is no number is counted apart: infinity
        -- can not be taken away from infinity.
        select p.position, t.nth, format('m%s_%s', p.position, t.name) as name, t.type, t.expression
        from part p
        cross join lateral (
            values
                (1, 'count', 'bigint', p.role in ('count', 'count_if', 'sum', 'avg', 'stddev'), case
                    when p.role = 'count_if' then format('sum(case when %s then audit_row."audit sign" else 0 end)', p.expression)
                    when p.expression is null then 'sum(audit_row."audit sign")'
                    else format('sum(case when (%s) is null then 0 else audit_row."audit sign" end)', p.expression)
                end),
                (2, 'sum', 'numeric', p.role in ('sum', 'avg', 'stddev'), format('coalesce(sum(audit_row."audit sign" * %s)%s, 0)', p.expression, case when p.has_specials then format(' filter (where %s not in (''NaN'', ''Infinity'', ''-Infinity''))', p.expression) end)),
                (3, 'squares', 'numeric', p.role = 'stddev', format('coalesce(sum(audit_row."audit sign" * %1$s * %1$s)%2$s, 0)', p.expression, case when p.has_specials then format(' filter (where %s not in (''NaN'', ''Infinity'', ''-Infinity''))', p.expression) end)),
                (4, 'nan', 'bigint', p.has_specials, format('coalesce(sum(audit_row."audit sign") filter (where %s = ''NaN''), 0)', p.expression)),
                (5, 'above', 'bigint', p.has_specials, format('coalesce(sum(audit_row."audit sign") filter (where %s = ''Infinity''), 0)', p.expression)),
                (6, 'below', 'bigint', p.has_specials, format('coalesce(sum(audit_row."audit sign") filter (where %s = ''-Infinity''), 0)', p.expression))
        ) t (nth, name, type, wanted, expression)
        where t.wanted
    ), measure as (
        select
            p.position,
            p.name,
            p.role,
            format('audit_total.m%s_count', p.position) as count,
            case when e.name is not null then format('round(audit_total.m%s_sum, coalesce(audit_total.%s, 0))', p.position, e.name) else format('audit_total.m%s_sum', p.position) end as sum,
            case when e.name is not null then format('round(audit_total.m%s_squares, 2 * coalesce(audit_total.%s, 0))', p.position, e.name) else format('audit_total.m%s_squares', p.position) end as squares,
            case when p.has_specials then format(' + case when audit_total.m%1$s_nan > 0 then ''NaN''::numeric else 0 end + case when audit_total.m%1$s_above > 0 then ''Infinity''::numeric else 0 end + case when audit_total.m%1$s_below > 0 then ''-Infinity''::numeric else 0 end', p.position) else '' end as specials,
            case when p.has_specials then format('when audit_total.m%1$s_nan + audit_total.m%1$s_above + audit_total.m%1$s_below > 0 then ''NaN''::numeric ', p.position) else '' end as special
        from part p
        left join audit._summary_ends(summary_id) e on e.place = p.position and p.role in ('avg', 'stddev')
        where p.role not in ('bucket', 'group', 'where')
    ), deviation as (
        -- Its root is rounded to the digits of the variance, as PostgreSQL's own is, from more digits, so that it is rounded
        -- only once.
        select m.position, format('(greatest(%1$s * %2$s - %3$s * %3$s, 0) / nullif(%1$s * (%1$s - 1), 0))', m.count, m.squares, m.sum) as variance from measure m
    )
    select
        format('audit_compiled.%I', case when s.standing then s.name else 'summary_' || s.summary_id end || '_base'),
        format('audit_compiled.%I', s.name),
        coalesce((select string_agg(k.expression, ', ' order by k.position) from key k), ''),
        coalesce((select string_agg(format('%s as %s', k.expression, k.name), ', ' order by k.position) from key k), ''),
        coalesce((select string_agg(k.name, ', ' order by k.position) from key k), ''),
        coalesce((select string_agg(k.number::text, ', ' order by k.position) from key k), ''),
        -- A group by a column of a referenced table is looked up when it is read; at most one row has the key.
        coalesce((
            select string_agg(
                case when k.reference is null then format('audit_part.%s', k.name)
                    else format('(select audit_reference.%I from %s audit_reference where audit_reference.%I = audit_part.%s)', k.reference ->> 'column', k.reference ->> 'table', k.reference ->> 'key', k.name)
                end || ' as ' || k.name,
                ', ' order by k.position
            )
            from key k
        ), ''),
        format('array[%s]::text[]', (select string_agg(audit._group_text(k.expression, k.type), ', ' order by k.position) from key k)),
        format('array[%s]::text[]', (select string_agg(audit._group_text('audit_base.' || k.name, k.type), ', ' order by k.position) from key k)),
        (select string_agg(t.expression || ' as ' || t.name, ', ' order by t.position, t.nth) from total t),
        coalesce((select string_agg(t.name, ', ' order by t.position, t.nth) from total t), ''),
        coalesce((select string_agg(format(', %1$s = audit_base.%1$s + excluded.%1$s', t.name), '' order by t.position, t.nth) from total t), ''),
        coalesce((select string_agg(format('sum(audit_part.%1$s) as %1$s', t.name), ', ' order by t.position, t.nth) from total t), ''),
        concat_ws(
            ', ',
            (select string_agg(format('audit_total.%s as %I', k.name, k.column_name), ', ' order by k.position) from key k),
            (
                select string_agg(
                    case m.role
                        when 'sum' then format('case when %s > 0 then %s%s end', m.count, m.sum, m.specials)
                        when 'avg' then format('(%s%s) / nullif(%s, 0)', m.sum, m.specials, m.count)
                        when 'stddev' then format('case when %s <= 1 then null %selse round(sqrt(round(%s, 2 * scale(%3$s) + 40)), scale(%3$s)) end', m.count, m.special, d.variance)
                        when 'min' then format('audit_total.m%s', m.position)
                        when 'max' then format('audit_total.m%s', m.position)
                        else m.count || '::bigint'
                    end || format(' as %I', m.name),
                    ', ' order by m.position
                )
                from measure m
                join deviation d using (position)
            )
        ),
        concat_ws(
            ', ',
            (select string_agg(format('%s %s', k.name, k.type), ', ' order by k.position) from key k),
            (select string_agg(format('%s %s not null', t.name, t.type), ', ' order by t.position, t.nth) from total t)
        ),
        concat_ws(
            ' and ',
            coalesce((select p.expression from part p where p.role = 'where'), 'true'),
            -- What is older than a summary keeps is not counted any more.
            (
                select format('((%s) < (select audit_summary.kept_from from audit.summary audit_summary where audit_summary.summary_id = %s)) is not true', p.expression, s.summary_id)
                from part p
                where p.role = 'bucket' and s.definition ->> 'retain' is not null
            )
        )
    from summary s;
$$;

comment on function audit._summary_parts(integer) is 'The fragments of which the statements about a summary are made.';
revoke all on function audit._summary_parts(integer) from public;
