-- The query that gives the rows which log rows brought and took, with a sign, as far as a summary reads them. `which`
-- restricts the log rows audit_change.
create or replace function audit._summary_changes(summary_id integer, which text)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    with used as (
        select c.name, c.type, c.position
        from audit.summary s
        join audit.watched_table w using (table_id)
        cross join audit._log_column(w.relation) with ordinality c (name, type, plain, wide, value, position)
        where s.summary_id = _summary_changes.summary_id
            and s.definition -> 'columns' ? c.name
    )
    select format(
        E'select audit_side.*\n    from audit.change audit_change\n    cross join lateral (\n%s\n    ) audit_side\n    where audit_change.table_id = %s and audit_change.lsn >= %L::pg_lsn and %s',
        (
            select string_agg(
                case
                    when f.form = 'one' then format('        select %s as "audit sign"%s where audit_change.rows = 1 and audit_change.%s is not null',
                        f.sign, (select string_agg(format(', (audit_change.%s ->> %L)::%s as %I', f.side, c.name, c.type, c.name), '' order by c.position) from used c), f.side)
                    when not exists (select from used) then format('        select %s from generate_series(1, audit_change.rows) where audit_change.rows > 1 and audit_change.%s is not null', f.sign, f.side)
                    else format('        select %s%s from rows from (%s) audit_element (%s) where audit_change.rows > 1 and audit_change.%s is not null',
                        f.sign,
                        (select string_agg(format(', audit_element.%I::%s', c.name, c.type), '' order by c.position) from used c),
                        (select string_agg(format(case f.side when 'new' then 'json_array_elements_text(coalesce(audit_change.new -> %L, audit_change.old -> %1$L))' else 'json_array_elements_text(audit_change.old -> %L)' end, c.name), ', ' order by c.position) from used c),
                        (select string_agg(format('%I', c.name), ', ' order by c.position) from used c),
                        f.side)
                end,
                E'\n        union all\n' order by f.position
            )
            from (values ('new', 1, 'one', 1), ('new', 1, 'many', 2), ('old', -1, 'one', 3), ('old', -1, 'many', 4)) f (side, sign, form, position)
        ),
        s.table_id, s.start_lsn, which
    )
    from audit.summary s
    where s.summary_id = _summary_changes.summary_id;
$$;

comment on function audit._summary_changes(integer, text) is 'The query that gives the rows which log rows brought and took, as far as a summary reads them.';
revoke all on function audit._summary_changes(integer, text) from public;
