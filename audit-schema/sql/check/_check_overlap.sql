-- How a no_overlap rule is checked on rows that exist: one statement puts the rows in the order of their starts. A row
-- overlaps another one if an earlier one lasts, or if the next one has begun. A row without a start, or that ends before it
-- begins, lasts at no time.
create or replace function audit._check_overlap(target regclass, definition jsonb, applies text, key text, sample text, out how text, out fails text, out statement text)
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select
        'whole',
        null::text,
        case when definition ? 'from' then format(
            'select count(*), to_jsonb((array_agg(audit_key.key) filter (where audit_key.key is not null))[1:100]), to_jsonb((array_agg(audit_key.sample))[1:3]) from ('
            'select %1$s as key, %2$s as sample, audit_row.%3$I as starts, audit_row.%4$I as ends, '
            'max(audit_row.%4$I) over audit_earlier as reached, bool_or(audit_row.%4$I is null) over audit_earlier as open, '
            'lead(audit_row.%3$I) over (%6$s order by audit_row.%3$I) as next '
            'from %5$s audit_row where %7$s '
            'window audit_earlier as (%6$s order by audit_row.%3$I rows between unbounded preceding and 1 preceding)'
            ') audit_key where audit_key.open or audit_key.reached > audit_key.starts '
            'or (audit_key.next is not null and (audit_key.ends is null or audit_key.next < audit_key.ends))',
            key, sample, definition ->> 'from', definition ->> 'to', target,
            (select 'partition by ' || string_agg(format('audit_row.%I', c), ', ') from jsonb_array_elements_text(definition -> 'columns') c),
            concat_ws(
                ' and ',
                applies,
                (select string_agg(format('audit_row.%I is not null', c), ' and ') from jsonb_array_elements_text(definition -> 'columns') c),
                format(
                    'audit_row.%1$I is not null and (audit_row.%2$I is null or audit_row.%1$I < audit_row.%2$I)',
                    definition ->> 'from', definition ->> 'to'
                )
            )
        ) end;
$$;

comment on function audit._check_overlap(regclass, jsonb, text, text, text) is 'How a no_overlap rule is checked on rows that exist.';
revoke all on function audit._check_overlap(regclass, jsonb, text, text, text) from public;
