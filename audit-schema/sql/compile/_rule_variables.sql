-- The variables that the generated functions need for the rules of a table, for one side of a statement. None has a value
-- to begin with: to set one costs every statement, and no value means false or nothing wherever they are read.
create or replace function audit._rule_variables(table_id integer, side text)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(string_agg(
        format(E'    %s_failed_%s boolean;\n', side, r.rule_id)
        || format(E'    %s_count_%s bigint;\n', side, r.rule_id)
        || case
            when r.kind = 'references' then (
                select format(E'    %1$s_values_%2$s %3$s[];\n    %1$s_missing_%2$s %3$s[];\n', side, r.rule_id, format_type(a.atttypid, null))
                from pg_attribute a
                where a.attrelid = w.relation and a.attname = r.definition ->> 'column'
            )
            when r.kind in ('unique', 'no_overlap') then (
                select string_agg(format(E'    %s_values_%s_%s %s[];\n', side, r.rule_id, c.position, format_type(a.atttypid, null)), '' order by c.position)
                from unnest(r.columns) with ordinality c (name, position)
                join pg_attribute a on a.attrelid = w.relation and a.attname = c.name
            )
            else ''
        end
        || case when side = 'new' and (r.class = 'transition' or r.kind in ('unique', 'no_overlap')) then format(E'    new_places_%s bigint[];\n', r.rule_id) else '' end
        -- A row that comes may make rows fail that were there before.
        || case when r.kind = 'no_overlap' then format(E'    %s_moved_%s bigint;\n', side, r.rule_id) else '' end
        || case when r.kind = 'no_overlap' and side = 'new' then format(E'    more_%s bigint;\n', r.rule_id) else '' end,
        '' order by r.rule_id
    ), '')
        || case when bool_or(r.class = 'row') then format(E'    %s_failed boolean;\n', side) else '' end
    from audit._compiled_rule(table_id, side) r
    join audit.watched_table w on w.table_id = _rule_variables.table_id;
$$;

comment on function audit._rule_variables(integer, text) is 'The variables that the generated functions need for the rules of a table.';
revoke all on function audit._rule_variables(integer, text) from public;
