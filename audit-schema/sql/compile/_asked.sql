-- What is asked about one row while it is captured: whether any row rule fails, as one question, which costs a writer
-- whose rows are good much less than one each; and the values that look-ups need. Each comes with a short name and with
-- the variable that keeps it.
create or replace function audit._asked(table_id integer, side text)
    returns table (expression text, name text, variable text)
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select a.expression, a.name, a.variable
    from (
        select
            string_agg(format('(%s)', r.fails), E'\n                or ' order by r.rule_id) as expression,
            'failed' as name,
            side || '_failed' as variable,
            0 as rule_id,
            0::bigint as position
        from audit._compiled_rule(table_id, side) r
        where r.class = 'row'
        having count(*) > 0
        union all
        select
            case when r.applies is null then format('array[audit_row.%I]', c.name) else format('case when %s then array[audit_row.%I] end', r.applies, c.name) end,
            format('f%s', r.rule_id),
            format('%s_values_%s', side, r.rule_id),
            r.rule_id,
            c.position
        from audit._compiled_rule(table_id, side) r
        cross join unnest(r.columns) with ordinality c (name, position)
        where r.kind = 'references'
            and c.name = r.definition ->> 'column'
        union all
        select format('array[%s]', c.value), format('f%s_%s', r.rule_id, c.place), format('%s_values_%s_%s', side, r.rule_id, c.place), r.rule_id, c.place
        from audit._compiled_rule(table_id, side) r
        cross join audit._key_value(r.columns, r.applies) c
        where r.kind in ('unique', 'no_overlap')
    ) a
    order by a.rule_id, a.position;
$$;

comment on function audit._asked(integer, text) is 'What is asked about one row while it is captured: whether any row rule fails, and the values that look-ups need.';
revoke all on function audit._asked(integer, text) from public;
