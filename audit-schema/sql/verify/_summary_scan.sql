-- The query that computes a summary by reading its table: what the view must show.
create or replace function audit._summary_scan(summary_id integer)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select format(
        'select %s from (select %s from (select 1 as "audit sign", audit_source.* from %s audit_source) audit_row where %s group by %s having count(*) > 0) audit_part %s',
        concat_ws(', ', nullif(p.key_names, ''), p.measures),
        concat_ws(', ', 'sum(audit_row."audit sign") as rows', nullif(p.keys_named, ''), p.totals),
        w.relation,
        p.condition,
        coalesce(nullif(p.keys, ''), '()'),
        case when p.key_names = '' then '' else 'group by ' || p.key_names end
    )
    from audit.summary s
    join audit.watched_table w using (table_id)
    cross join lateral audit._summary_parts(s.summary_id) p
    where s.summary_id = _summary_scan.summary_id;
$$;

comment on function audit._summary_scan(integer) is 'The query that computes a summary by reading its table.';
revoke all on function audit._summary_scan(integer) from public;
