-- The body of the trigger function for TRUNCATE: every counter starts again from nothing. Who writes is the only rule that
-- a truncate can fail; no row of it is known, so it counts as one.
create or replace function audit._truncated(table_id integer)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    with writer as (
        select
            count(*) > 0 as there,
            bool_or(r.action = 'reject') as refuses,
            string_agg(format(E'    old_failed_%s boolean;\n', r.rule_id), '' order by r.rule_id) as variables,
            string_agg(
                format(
                    E'    if old_failed_%1$s then\n'
                    '        insert into audit.finding (table_id, rule_id, op, rows, new_failed, action) values (%2$s, %1$s, ''T'', 0, 1, %3$L);\n%4$s'
                    '    end if;\n',
                    r.rule_id, _truncated.table_id,
                    case r.action when 'quarantine' then 'flag' else r.action end,
                    case when r.action = 'reject' then format(E'        refusals := refusals || jsonb_build_object(''rule'', %L, ''rows'', 0, ''keys'', null);\n', r.name) else '' end
                ),
                '' order by r.rule_id
            ) as findings
        from audit._compiled_rule(table_id, 'new') r
        where r.class = 'statement'
    )
    select
        case when w.there then E'#variable_conflict use_variable\ndeclare\n    written bigint := 0;\n    refusals jsonb := ''[]'';\n' || w.variables else '' end
        || format(E'begin\n    insert into audit.change (table_id, op, rows) values (%s, ''T'', 0);\n', table_id)
        || coalesce((
            select E'    insert into audit.finding (table_id, rule_id, op, rows, new_failed) values\n        '
                || string_agg(format('(%s, %s, ''T'', 0, 0)', table_id, r.rule_id), E',\n        ' order by r.rule_id) || E';\n'
            from audit._compiled_rule(table_id, 'new') r
            where r.class in ('row', 'lookup')
        ), '')
        || case when w.there then audit._writers(table_id, 'T') || w.findings else '' end
        || case when w.refuses then audit._refuse(table_id, 'T') else '' end
        || E'    return null;\nend;\n'
    from writer w;
$$;

comment on function audit._truncated(integer) is 'The body of the trigger function for TRUNCATE.';
revoke all on function audit._truncated(integer) from public;
