-- Generates the function that folds segments into all summaries of a table that stand: one pass over the rows, whatever the
-- number of summaries. Its name holds for the life of the watch, also when the table is renamed. With `chosen` and `suffix`
-- it is another function, which folds into some of them.
create or replace function audit._compile_fold(table_id integer, chosen integer[] default null, suffix text default null)
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    function_name text := concat_ws('_', 'audit_compiled.fold', table_id, suffix);
    watched audit.watched_table;
    summaries integer[] := coalesce(chosen, array(select s.summary_id from audit.summary s where s.table_id = _compile_fold.table_id and s.standing and s.broken is null order by s.summary_id));
    folds record;
begin
    if summaries = '{}' then
        if to_regproc(function_name) is not null then
            execute format('drop function %s(bigint)', function_name);
        end if;
        return;
    end if;
    select w.* into watched from audit.watched_table w where w.table_id = _compile_fold.table_id;

    -- What a summary keeps up to date: its base, and how many rows have which value.
    with kept as (
        select
            s.summary_id,
            0 as place,
            p.base as name,
            concat_ws(', ', p.key_texts || '::text', 'sum(audit_row."audit sign")', nullif(p.keys, ''), nullif(p.totals, '')) as selected,
            p.condition,
            coalesce(nullif(p.keys, ''), '()') as grouped,
            'group_key' as key,
            p.added
        from audit.summary s
        cross join lateral audit._summary_parts(s.summary_id) p
        where s.summary_id = any (summaries)
        union all
        select
            s.summary_id,
            e.place,
            e."values",
            concat_ws(', ', p.key_texts || '::text', e.expression, 'sum(audit_row."audit sign")'),
            format('%s and (%s) is not null', p.condition, e.expression),
            concat_ws(', ', nullif(p.keys, ''), e.expression),
            'group_key, value',
            ''
        from audit.summary s
        cross join lateral audit._summary_parts(s.summary_id) p
        cross join lateral audit._summary_ends(s.summary_id) e
        where s.summary_id = any (summaries) and e.first_of_values
    )
    select
        string_agg(format(E'    emptied_%s_%s tid[];\n', k.summary_id, k.place), '' order by k.summary_id, k.place) as variables,
        -- A truncate voids the base.
        string_agg(format(E'    if %s then\n        delete from %s;\n    end if;\n', audit._since_start(k.summary_id, 'truncated_by', 'truncated'), k.name), '' order by k.summary_id, k.place) as truncates,
        string_agg(format(
            E', fold_%s_%s as (\n'
            '        insert into %s as audit_base\n'
            '        select %s\n'
            '        from audit_rows audit_row\n'
            '        where %s\n'
            '            and %s\n'
            '        group by %s\n'
            '        having count(*) > 0\n'
            '        on conflict (%s) do update set rows = audit_base.rows + excluded.rows%s\n'
            '        returning audit_base.ctid as place, audit_base.rows\n'
            '    )',
            k.summary_id,
            k.place,
            k.name,
            k.selected,
            audit._since_start(k.summary_id, 'audit_row."audit xid"', 'audit_row."audit lsn"'),
            k.condition,
            k.grouped,
            k.key,
            k.added
        ), '' order by k.summary_id, k.place) as folds,
        string_agg(format('(select array_agg(f.place) from fold_%s_%s f where f.rows = 0)', k.summary_id, k.place), ', ' order by k.summary_id, k.place) as found,
        string_agg(format('emptied_%s_%s', k.summary_id, k.place), ', ' order by k.summary_id, k.place) as found_variables,
        string_agg(format(
            E'    if emptied_%1$s_%2$s is not null then\n        delete from %3$s audit_base where audit_base.ctid = any (emptied_%1$s_%2$s);\n    end if;\n',
            k.summary_id, k.place, k.name
        ), '' order by k.summary_id, k.place) as empties
    into folds
    from kept k;

    execute format(
        E'create or replace function %s(after bigint)\n    returns void\n    language plpgsql\n%s\nas %L',
        function_name,
        E'    set search_path = pg_catalog, pg_temp\n    set datestyle = iso, ymd\n    set timezone = utc\n    set extra_float_digits = 1\n    set standard_conforming_strings = on',
        audit._filled(
            E'\n#variable_conflict use_variable\ndeclare\n    truncated pg_lsn;\n    truncated_by xid8;\n{variables}begin\n'
            '    select audit_segment.lsn_hi, audit_segment.xid_hi into truncated, truncated_by from audit.segment audit_segment\n'
            '    where audit_segment.segment_id > after and audit_segment.table_id = {table_id} and audit_segment.op = ''T''\n'
            '    order by audit_segment.lsn_hi desc limit 1;\n'
            '{truncates}'
            '    with audit_rows as materialized (\n{rows}\n    ){folds}\n'
            '    select {found} into {found_variables};\n'
            '{empties}'
            'end;\n',
            jsonb_build_object(
                'table_id', table_id,
                'variables', folds.variables,
                'truncates', folds.truncates,
                'rows', audit._summary_rows(table_id, summaries),
                'folds', folds.folds,
                'found', folds.found,
                'found_variables', folds.found_variables,
                'empties', folds.empties
            )
        )
    );
    execute format(
        'comment on function %s(bigint) is %L',
        function_name, format('Folds the segments after one into the summaries of %s. Generated by audit.compile().', watched.name)
    );
    execute format('revoke all on function %s(bigint) from public', function_name);
end;
$$;

comment on function audit._compile_fold(integer, integer[], text) is 'Generates the function that folds segments into all summaries of a table that stand.';
revoke all on function audit._compile_fold(integer, integer[], text) from public;
