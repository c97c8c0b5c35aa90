-- The part of a generated function that runs only when a rule failed or could not be evaluated: one finding per rule,
-- then the refusal of the statement, then the rows that are set aside or hidden. op is I, U or D.
create or replace function audit._judge(table_id integer, op text)
    returns text
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    watched audit.watched_table;
    rule record;
    row_key text;
    positioned text;
    statement text;
    result text;
begin
    select w.* into watched from audit.watched_table w where w.table_id = _judge.table_id;
    row_key := audit._log_key(watched.relation, watched.key_columns);
    -- For rules that know the places of the rows that fail.
    result := case when op <> 'D' then audit._which_failed(table_id, 'new') else '' end
        || case when op <> 'I' then audit._which_failed(table_id, 'old') else '' end;
    positioned := '(select audit_row.*, row_number() over () as "audit position" from new_rows audit_row) audit_row';

    for rule in
        select n.*, o.fails as old_fails, d.mode
        from audit._compiled_rule(_judge.table_id, 'new') n
        left join audit._compiled_rule(_judge.table_id, 'old') o using (rule_id)
        join audit.rule d using (rule_id)
        where op = 'U' or n.class <> 'transition'
        order by n.rule_id
    loop
        statement := '';
        if op <> 'D' then
            statement := statement || format(
                E'        if new_failed_%1$s then\n'
                '            select count(*), array_agg(%2$s) filter (where audit_row."audit failure" <= 100), json_agg(%3$s) filter (where audit_row."audit failure" <= 3)\n'
                '            into new_count_%1$s, keys, samples\n'
                '            from (select audit_row.*, row_number() over () as "audit failure" from %4$s where %5$s) audit_row;\n'
                '        end if;\n',
                rule.rule_id, row_key, rule.sample, case when rule.fails ~ '"audit position"' then positioned else 'new_rows audit_row' end, rule.fails
            );
        end if;
        if op = 'D' and rule.class = 'statement' then
            statement := format(
                E'        select count(*), array_agg(%2$s) filter (where audit_row."audit failure" <= 100), json_agg(%3$s) filter (where audit_row."audit failure" <= 3)\n'
                '        into old_count_%1$s, keys, samples\n'
                '        from (select audit_row.*, row_number() over () as "audit failure" from old_rows audit_row where %4$s) audit_row;\n',
                rule.rule_id, row_key, rule.sample, coalesce(rule.applies, 'true')
            );
        elsif op <> 'I' and rule.old_fails <> 'false' then
            statement := statement || format(
                E'        if old_failed_%1$s then\n'
                '            select count(*) into old_count_%1$s from old_rows audit_row where %2$s;\n'
                '        end if;\n',
                rule.rule_id, rule.old_fails
            );
        end if;

        result := result || format(E'    if %s then\n', concat_ws(' or ',
            case when op <> 'D' then format('new_failed_%s', rule.rule_id) end,
            case when op <> 'I' and rule.old_fails is not null then format('old_failed_%s', rule.rule_id) end
        ));
        result := result || E'        keys := null;\n        samples := null;\n'
            || format(E'        if errored_%s is not true then\n', rule.rule_id)
            || audit._guarded(
                rule.can_raise,
                statement,
                audit._problem(rule.rule_id) || format(E'        errored_%s := true;\n', rule.rule_id)
            )
            || E'        end if;\n'
            || format(E'        if errored_%s then\n', rule.rule_id)
            || case when (op = 'D' and rule.class <> 'statement') or rule.on_error = 'pass' then '' else format(
                E'            refusals := refusals || jsonb_build_object(''rule'', %L, ''error'', problem_%s);\n',
                rule.name, rule.rule_id
            ) end
            || case when op <> 'D' then format(E'            new_count_%s := 0;\n', rule.rule_id) else '' end
            || case when op <> 'I' and rule.old_fails is not null then format(E'            old_count_%s := 0;\n', rule.rule_id) else '' end
            || case when op <> 'D' and rule.kind = 'no_overlap' then format(E'            more_%s := 0;\n', rule.rule_id) else '' end
            || E'        end if;\n';

        if rule.action = 'reject' and (op <> 'D' or rule.class = 'statement') then
            result := result || format(
                E'        if %3$s_count_%1$s > 0 then\n'
                '            refusals := refusals || jsonb_build_object(''rule'', %2$L, ''rows'', %3$s_count_%1$s, ''keys'', keys[1:10], ''samples'', case when octet_length(samples::text) <= 8192 then samples end);\n'
                '        end if;\n',
                rule.rule_id, rule.name, case op when 'D' then 'old' else 'new' end
            );
        elsif op <> 'D' and rule.action = 'quarantine' then
            result := result || format(E'        %1$s := %1$s or new_count_%2$s > 0;\n', case rule.mode when 'hide' then 'hidden' else 'set_aside' end, rule.rule_id);
        end if;

        result := result || format(
            E'        if %s then\n'
            '            insert into audit.finding (table_id, rule_id, op, rows, new_failed, old_failed, action, keys, samples, error)\n'
            '            values (%s, %s, %L, coalesce(written, 1), %s, %s, %L, keys, samples, problem_%s);\n'
            '        end if;\n'
            '    end if;\n',
            concat_ws(' or ',
                case when op <> 'D' then format('new_count_%s > 0', rule.rule_id) end,
                case when op <> 'I' and rule.old_fails is not null then format('old_count_%s > 0', rule.rule_id) end,
                format('errored_%s', rule.rule_id)
            ),
            table_id, rule.rule_id, op,
            case
                -- Whoever may not write has failed with the rows that he took away.
                when op = 'D' and rule.class = 'statement' then format('coalesce(old_count_%s, 0)', rule.rule_id)
                when op = 'D' then '0'
                when rule.kind = 'no_overlap' then format('coalesce(new_count_%1$s, 0) + coalesce(more_%1$s, 0)', rule.rule_id)
                else format('coalesce(new_count_%s, 0)', rule.rule_id)
            end,
            case
                when op = 'I' or rule.old_fails is null or (op = 'D' and rule.class = 'statement') then '0'
                else format('coalesce(old_count_%s, 0)', rule.rule_id)
            end,
            case when op = 'D' and rule.action in ('quarantine', 'reject') then 'flag' else rule.action end,
            rule.rule_id
        );
    end loop;

    if op <> 'D' then
        -- Also without rules that can be evaluated: one that can not may forbid writing.
        result := result || audit._refuse(table_id, op) || audit._set_aside(table_id, op) || audit._hide(table_id, op);
    elsif exists (select from audit._compiled_rule(table_id, 'new') r where r.class = 'statement' and (r.action = 'reject' or r.on_error = 'block')) then
        -- What a delete takes away fails no rule any more; only who deletes may be refused.
        result := result || audit._refuse(table_id, op);
    end if;
    return result;
end;
$$;

comment on function audit._judge(integer, text) is 'The part of a generated function that runs only when a rule failed or could not be evaluated.';
revoke all on function audit._judge(integer, text) from public;
