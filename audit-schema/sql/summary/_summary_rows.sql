-- The query that gives the rows which segments brought and took, with a sign, as far as some summaries of a table read them.
-- A variable `after` says behind which segment, `truncated` where the last truncate among them was. An object is taken
-- apart once for all its columns.
create or replace function audit._summary_rows(table_id integer, summaries integer[])
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    with used as (
        select c.name, c.type, c.position from audit._read_columns(summaries) c
    )
    select string_agg(
        format(
            E'        select %s as "audit sign", coalesce(audit_element."audit lsn", audit_segment.lsns[1]) as "audit lsn", coalesce(audit_element."audit xid", audit_segment.xids[1]) as "audit xid"%s\n'
            '        from audit.segment audit_segment\n%s'
            '        cross join rows from (%s) audit_element (%s)\n'
            '        where audit_segment.segment_id > after and audit_segment.table_id = %s and audit_segment.%s is not null\n'
            '            and coalesce(audit_element."audit lsn", audit_segment.lsns[1]) > coalesce(truncated, ''0/0'')',
            f.sign,
            (select string_agg(format(', audit_element.%I::%s as %1$I', c.name, c.type), '' order by c.position) from used c),
            (
                select string_agg(
                    format(
                        E'        cross join json_to_record(audit_segment.%1$s) audit_%1$s (%2$s)\n',
                        o.side, (select string_agg(format('%I json', c.name), ', ' order by c.position) from used c)
                    ),
                    '' order by o.side
                )
                from unnest('{new,old}'::text[]) o (side)
                where o.side in (f.side, 'old')
                    and exists (select from used)
            ),
            concat_ws(
                ', ',
                'generate_series(1, audit_segment.rows)',
                'unnest(audit_segment.lsns)',
                'unnest(audit_segment.xids)',
                -- What an update left alone stands on the old side only.
                (select string_agg(format(case f.side when 'new' then 'json_array_elements_text(coalesce(audit_new.%I, audit_old.%1$I))' else 'json_array_elements_text(audit_old.%I)' end, c.name), ', ' order by c.position) from used c)
            ),
            concat_ws(', ', '"audit place"', '"audit lsn"', '"audit xid"', (select string_agg(format('%I', c.name), ', ' order by c.position) from used c)),
            _summary_rows.table_id,
            f.side
        ),
        E'\n        union all\n' order by f.sign desc
    )
    from (values ('new', 1), ('old', -1)) f (side, sign);
$$;

comment on function audit._summary_rows(integer, integer[]) is 'The query that gives the rows which segments brought and took, as far as some summaries of a table read them.';
revoke all on function audit._summary_rows(integer, integer[]) from public;
