-- The query that computes a summary by reading its table: what the view must show.
create or replace function audit._summary_scan(summary_id integer)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select audit._filled(
        $scan$select {columns}
from (
    select {of_parts}
    from (
        select {of_rows}
        from (select 1 as "audit sign", audit_source.* from {relation} audit_source) audit_row
        where {condition}
        group by {group}
        having count(*) > 0
    ) audit_part
    {group_parts}
    having sum(audit_part.rows) <> 0
) audit_total$scan$,
        jsonb_build_object(
            'columns', p.columns,
            'relation', w.relation,
            'condition', p.condition,
            'group', coalesce(nullif(p.keys, ''), '()'),
            'group_parts', 'group by ' || nullif(p.key_numbers, ''),
            'of_parts', concat_ws(', ', nullif(p.key_values, ''), 'sum(audit_part.rows) as rows', nullif(p.sums, ''), (
                select string_agg(format('%s(audit_part.%s) as %2$s', e.function, e.name), ', ' order by e.place) from audit._summary_ends(summary_id) e
            )),
            'of_rows', concat_ws(', ', nullif(p.keys_named, ''), 'sum(audit_row."audit sign") as rows', nullif(p.totals, ''), (
                select string_agg(format('%s(%s) as %s', e.function, e.expression, e.name), ', ' order by e.place) from audit._summary_ends(summary_id) e
            ))
        )
    )
    from audit.summary s
    join audit.watched_table w using (table_id)
    cross join lateral audit._summary_parts(s.summary_id) p
    where s.summary_id = _summary_scan.summary_id;
$$;

comment on function audit._summary_scan(integer) is 'The query that computes a summary by reading its table.';
revoke all on function audit._summary_scan(integer) from public;
