-- The groups in which the view of a summary differs from a scan of its table: how many, and of the first three what a scan
-- gives and what the view says.
create or replace function audit._summary_differences(summary_id integer, out groups bigint, out expected text, out shown text)
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
    set datestyle = iso, ymd
    set timezone = utc
    set extra_float_digits = 1
as $$
#variable_conflict use_variable
declare
    summary audit.summary;
    keys text[];
    measures text[];
begin
    select s.* into summary from audit.summary s where s.summary_id = _summary_differences.summary_id;
    select
        coalesce(array_agg(p.value ->> 'name' order by p.position) filter (where p.value ->> 'role' in ('bucket', 'group')), '{}'),
        array_agg(p.value ->> 'name' order by p.position) filter (where p.value ->> 'role' not in ('bucket', 'group', 'where'))
    into keys, measures
    from jsonb_array_elements(summary.definition -> 'checked') with ordinality p (value, position);
    execute format(
        $query$
            with live as (select * from audit_compiled.%I), scanned as (%s), differing as (
                select false as scanned, d.* from (select * from live except all select * from scanned) d
                union all
                select true, d.* from (select * from scanned except all select * from live) d
            ), said as (
                select %s as audit_group, scanned, %s as audit_numbers from differing
            ), numbered as (
                select
                    audit_group,
                    string_agg(audit_numbers, ' and ' order by audit_numbers) filter (where scanned) as expected,
                    string_agg(audit_numbers, ' and ' order by audit_numbers) filter (where not scanned) as found,
                    row_number() over (order by audit_group) as place,
                    count(*) over () as groups
                from said
                group by audit_group
            )
            select
                coalesce(max(groups), 0),
                string_agg(audit_group || coalesce(expected, 'no such group'), '; ' order by place) filter (where place <= 3),
                string_agg(audit_group || coalesce(found, 'no such group'), '; ' order by place) filter (where place <= 3)
            from numbered$query$,
        summary.name,
        audit._summary_scan(summary_id),
        case when keys = '{}' then '''''' else (select string_agg(format('%L || case when differing.%2$I is null then ''null'' else format(''%%s'', differing.%2$I) end', k.name || ' ', k.name), ' || '', '' || ' order by k.position) || ' || '': ''' from unnest(keys) with ordinality k (name, position)) end,
        (select string_agg(format('%L || case when differing.%2$I is null then ''null'' else format(''%%s'', differing.%2$I) end', m.name || ' ', m.name), ' || '', '' || ' order by m.position) from unnest(measures) with ordinality m (name, position))
    )
    into groups, expected, shown;
end;
$$;

comment on function audit._summary_differences(integer) is 'The groups in which the view of a summary differs from a scan of its table.';
revoke all on function audit._summary_differences(integer) from public;
