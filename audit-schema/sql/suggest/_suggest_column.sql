-- What the rows that are looked at say about one column. Values come out only of a text column with at most twenty
-- different ones; of numbers and times the least and the greatest, those that ANALYZE saw in the whole table included.
create or replace function audit._suggest_column(target regclass, source text, name text, type text, class text)
    returns jsonb
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
    set datestyle = iso, ymd
    set timezone = utc
    set extra_float_digits = 1
as $$
#variable_conflict use_variable
declare
    stats record;
    result jsonb;
    more jsonb;
begin
    execute format(
        'select jsonb_build_object(''rows'', count(*), ''present'', count(audit_row.%1$I), ''distinct'', %2$s) from %3$s',
        name, case class when 'other' then '0' else format('count(distinct audit_row.%I)', name) end, source
    )
    into result;

    if class in ('integer', 'number', 'time') then
        select p.histogram_bounds::text as bounds, p.most_common_vals::text as common
        into stats
        from pg_stats p
        join pg_class c on c.relname = p.tablename and c.relnamespace::regnamespace::text = quote_ident(p.schemaname)
        where c.oid = target and p.attname = name
        order by p.inherited desc
        limit 1;
        execute format(
            'select jsonb_build_object(''min'', min(audit_seen.value)::text, ''max'', max(audit_seen.value)::text, ''future'', %3$s) '
            'from (select audit_row.%1$I::%2$s, true from %4$s union all select unnest($1::%2$s[]), false union all select unnest($2::%2$s[]), false) audit_seen (value, looked_at)',
            name, type, case class when 'time' then 'count(*) filter (where audit_seen.looked_at and audit_seen.value > now())' else '0' end, source
        )
        into more
        using stats.bounds, stats.common;
        return result || more;
    end if;

    if class = 'text' then
        execute format(
            'select jsonb_build_object(''min_length'', min(char_length(audit_row.value)), ''max_length'', max(char_length(audit_row.value)), ''blank'', count(*) filter (where audit_row.value ~ ''^\s*$'')) '
            'from (select audit_row.%1$I::text as value from %2$s) audit_row',
            name, source
        )
        into more;
        result := result || more;
        if (result ->> 'distinct')::bigint between 1 and 20 and (result ->> 'max_length')::integer <= 40 then
            execute format(
                'select jsonb_build_object(''values'', jsonb_agg(v.value)) from (select audit_row.%1$I::text as value from %2$s where audit_row.%1$I is not null group by 1 order by 1) v',
                name, source
            )
            into more;
            result := result || more;
        elsif (result ->> 'max_length')::integer <= 30 then
            -- The shape of a value has A for a capital letter, a for a small one and 9 for a digit.
            execute format(
                'select jsonb_build_object(''shape'', s.shape, ''of_shape'', s.rows) from ('
                'select regexp_replace(regexp_replace(regexp_replace(audit_row.%1$I::text collate "C", ''[A-Z]'', ''A'', ''g''), ''[a-z]'', ''a'', ''g''), ''[0-9]'', ''9'', ''g'') as shape, count(*) as rows '
                'from %2$s where audit_row.%1$I is not null group by 1 order by 2 desc, 1 limit 1) s',
                name, source
            )
            into more;
            result := result || coalesce(more, '{}');
        end if;
    end if;
    return result;
end;
$$;

comment on function audit._suggest_column(regclass, text, text, text, text) is 'What the rows that are looked at say about one column.';
revoke all on function audit._suggest_column(regclass, text, text, text, text) from public;
