-- The statement that creates the view of a summary: the folded base and what is still in the head, added up. The least and
-- the greatest value are the first of the base that the head does not take away altogether, or one that the head brings.
-- A truncate in the head voids the base; a summary that could not be folded gives an error, not old numbers.
create or replace function audit._summary_view(summary_id integer)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    with ending as (
        select e.* from audit._summary_ends(summary_id) e
    )
    select audit._filled(
        $view$create view {view} as
with audit_row as (
    select audit_row.*
    from (
{changes}
    ) audit_row
    where {condition}
){taken}
select {columns}
from (
    select {of_parts}
    from (
        select {of_base}
        from {base} audit_base
        where not exists (select from audit.change audit_truncate where audit_truncate.table_id = {table_id} and audit_truncate.op = 'T' and {since_truncate})
        union all
        select {of_head}
        from audit_row
        group by {group}{brought}
    ) audit_part
    {group_parts}
    having sum(audit_part.rows) <> 0
) audit_total
where (select case when audit_summary.broken is null then true else ({broken} || audit_summary.broken)::boolean end from audit.summary audit_summary where audit_summary.summary_id = {summary_id})$view$,
        jsonb_build_object(
            'view', p.view,
            'summary_id', s.summary_id,
            'table_id', s.table_id,
            'broken', quote_literal(format('the summary %s can not be folded: ', s.name)),
            'base', p.base,
            'changes', audit._summary_changes(summary_id),
            'condition', p.condition,
            'columns', p.columns,
            'since_truncate', audit._since_start(summary_id, 'audit_truncate.xid', 'audit_truncate.lsn'),
            'group', coalesce(nullif(p.keys, ''), '()'),
            'group_parts', 'group by ' || nullif(p.key_numbers, ''),
            'taken', (
                select string_agg(
                    format(
                        E', audit_taken_%s as (\n'
                        '    select %s as group_key, %s as value, -sum(audit_row."audit sign") as rows\n'
                        '    from audit_row\n'
                        '    where (%3$s) is not null\n'
                        '    group by %s\n'
                        '    having sum(audit_row."audit sign") < 0\n'
                        ')',
                        e.place, p.key_texts, e.expression, concat_ws(', ', nullif(p.keys, ''), e.expression)
                    ),
                    '' order by e.place
                )
                from ending e
                where e.first_of_values
            ),
            'of_parts', concat_ws(', ', nullif(p.key_values, ''), 'sum(audit_part.rows) as rows', nullif(p.sums, ''), (
                select string_agg(format('%s(audit_part.%s) as %2$s', e.function, e.name), ', ' order by e.place) from ending e
            )),
            'of_base', concat_ws(', ', nullif(p.key_names, ''), 'audit_base.rows', nullif(p.total_names, ''), (
                select string_agg(
                    format(
                        '(select audit_value.value from %s audit_value where audit_value.group_key = audit_base.group_key and (%s, audit_value.value, audit_value.rows) not in (select audit_taken.group_key, audit_taken.value, audit_taken.rows from audit_taken_%s audit_taken) order by audit_value.value %s limit 1) as %s',
                        e."values", p.base_key_texts, (select f.place from ending f where f."values" = e."values" and f.first_of_values), case e.function when 'max' then 'desc' else 'asc' end, e.name
                    ),
                    ', ' order by e.place
                )
                from ending e
            )),
            'of_head', concat_ws(', ', nullif(p.keys_named, ''), 'sum(audit_row."audit sign")', nullif(p.totals, ''), (
                select string_agg('null', ', ') from ending e
            )),
            'brought', (
                select string_agg(
                    format(
                        E'\n        union all\n        select %s\n        from audit_row\n        where (%s) is not null\n        group by %s\n        having sum(audit_row."audit sign") > 0',
                        concat_ws(
                            ', ',
                            nullif(p.keys_named, ''),
                            '0',
                            (select string_agg('0', ', ') from unnest(string_to_array(nullif(p.total_names, ''), ', ')) t),
                            (select string_agg(case when f."values" = e."values" then f.expression else 'null' end, ', ' order by f.place) from ending f)
                        ),
                        e.expression,
                        concat_ws(', ', nullif(p.keys, ''), e.expression)
                    ),
                    '' order by e.place
                )
                from ending e
                where e.first_of_values
            )
        )
    )
    from audit.summary s
    cross join lateral audit._summary_parts(s.summary_id) p
    where s.summary_id = _summary_view.summary_id;
$$;

comment on function audit._summary_view(integer) is 'The statement that creates the view of a summary.';
revoke all on function audit._summary_view(integer) from public;
