-- The part of the function for updates that asks the rules about changes: which new rows fail, seen together with the row
-- before. Rows are paired by their place, as in the log. One row costs one small statement; many are joined by a full
-- join, because that can not become a nested loop, whatever the planner thinks of the number of rows. What the pipeline
-- restores goes back to where it was, and is no change that a rule is about.
create or replace function audit._pairs(table_id integer)
    returns text
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    all_pairs constant text := E'\n            from (select audit_row.*, row_number() over () as "audit position" from new_rows audit_row) audit_row\n'
        '            full join (select audit_old.*, row_number() over () as "audit position" from old_rows audit_old) audit_old on audit_old."audit position" = audit_row."audit position";\n';
    rules record;
begin
    select
        count(*) as rules,
        bool_or(r.can_raise) as can_raise,
        string_agg(format(E'            new_failed_%1$s := true;\n            errored_%1$s := true;\n            problem_%1$s := ''rows before and after the update can not be paired'';\n', r.rule_id), '' order by r.rule_id) as unpaired,
        string_agg(format('case when %s then array[1::bigint] end', r.compared), E',\n                ' order by r.rule_id) as one_row,
        string_agg(format('array_agg(audit_row."audit position") filter (where %s)', r.compared), E',\n                ' order by r.rule_id) as all_rows,
        string_agg(format('new_places_%s', r.rule_id), ', ' order by r.rule_id) as variables,
        -- When one of them raises, each is asked by itself.
        string_agg(
            audit._guarded(
                r.can_raise,
                format(E'            select array_agg(audit_row."audit position") filter (where %s)\n            into new_places_%s', r.compared, r.rule_id) || all_pairs,
                audit._lookup_failed('new', r.rule_id)
            ),
            '' order by r.rule_id
        ) as one_by_one,
        string_agg(format(E'        new_failed_%1$s := new_failed_%1$s or new_places_%1$s is not null;\n', r.rule_id), '' order by r.rule_id) as failed
    into rules
    from audit._compiled_rule(table_id, 'new') r
    where r.class = 'transition';
    if rules.rules = 0 then
        return '';
    end if;

    return audit._filled(
        E'    if coalesce(current_setting(''audit.cause'', true), '''') <> ''quarantine'' or pg_trigger_depth() = 1 then\n'
        '        if not paired then\n{unpaired}'
        '        elsif coalesce(many, true) then\n{all_rows}'
        '        else\n{one_row}'
        '        end if;\n{failed}'
        '    end if;\n',
        jsonb_build_object(
            'unpaired', rules.unpaired,
            'all_rows', audit._guarded(
                rules.can_raise,
                format(E'            select\n                %s\n            into %s', rules.all_rows, rules.variables) || all_pairs,
                rules.one_by_one
            ),
            'one_row', audit._guarded(
                rules.can_raise,
                format(E'            select\n                %s\n            into %s\n            from old_rows audit_old\n            cross join new_rows audit_row;\n', rules.one_row, rules.variables),
                rules.one_by_one
            ),
            'failed', rules.failed
        )
    );
end;
$$;

comment on function audit._pairs(integer) is 'The part of the function for updates that asks the rules about changes.';
revoke all on function audit._pairs(integer) from public;
