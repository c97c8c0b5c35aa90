-- The query that gives the rows which log rows brought and took, with a sign, as far as a summary reads them and as they
-- are not in the scan it started from. A truncate voids what came before it.
create or replace function audit._summary_changes(summary_id integer)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    with used as (
        select c.name, c.type, c.position from audit._read_columns(array[summary_id]) c
    )
    select format(
        $query$        select audit_side.*
        from audit.change audit_change
        cross join lateral (
%s
        ) audit_side
        where audit_change.table_id = %s
            and %s
            and audit_change.lsn > coalesce((select max(audit_truncate.lsn) from audit.change audit_truncate where audit_truncate.table_id = %2$s and audit_truncate.op = 'T'), '0/0')$query$,
        (
            select string_agg(
                case
                    when f.form = 'one' then format('            select %s as "audit sign"%s where audit_change.rows = 1 and audit_change.%s is not null',
                        f.sign, (select string_agg(format(', (audit_change.%s ->> %L)::%s as %I', f.side, c.name, c.type, c.name), '' order by c.position) from used c), f.side)
                    when not exists (select from used) then format('            select %s from generate_series(1, audit_change.rows) where audit_change.rows > 1 and audit_change.%s is not null', f.sign, f.side)
                    else format('            select %s%s from rows from (%s) audit_element (%s) where audit_change.rows > 1 and audit_change.%s is not null',
                        f.sign,
                        (select string_agg(format(', audit_element.%I::%s', c.name, c.type), '' order by c.position) from used c),
                        (select string_agg(format(case f.side when 'new' then 'json_array_elements_text(coalesce(audit_change.new -> %L, audit_change.old -> %1$L))' else 'json_array_elements_text(audit_change.old -> %L)' end, c.name), ', ' order by c.position) from used c),
                        (select string_agg(format('%I', c.name), ', ' order by c.position) from used c),
                        f.side)
                end,
                E'\n            union all\n' order by f.position
            )
            from (values ('new', 1, 'one', 1), ('new', 1, 'many', 2), ('old', -1, 'one', 3), ('old', -1, 'many', 4)) f (side, sign, form, position)
        ),
        s.table_id,
        audit._since_start(summary_id, 'audit_change.xid', 'audit_change.lsn')
    )
    from audit.summary s
    where s.summary_id = _summary_changes.summary_id;
$$;

comment on function audit._summary_changes(integer) is 'The query that gives the rows which log rows brought and took, as far as a summary reads them.';
revoke all on function audit._summary_changes(integer) from public;
