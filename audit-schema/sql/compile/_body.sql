-- The body of the trigger function for one event of a watched table: I, U, D or T. It reads top down: capture, look-ups,
-- and what is to be done when a rule failed. Every column is qualified and variables win over columns, so that no column
-- name can clash. A statement that reads a transition table names no other table: rows are read into variables first.
create or replace function audit._body(table_id integer, op text)
    returns text
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    watched audit.watched_table;
    sides text[] := case op when 'I' then '{new}' when 'D' then '{old}' else '{old,new}' end;
    blocking jsonb := case op when 'D' then '[]' else audit._blocking_rules(table_id) end;
    has_rules boolean;
    variables text;
    statements text;
begin
    select w.* into watched from audit.watched_table w where w.table_id = _body.table_id;
    -- A delete has no new rows, and no rules about changes.
    select count(*) > 0 or blocking <> '[]' into has_rules from audit._compiled_rule(table_id, case op when 'D' then 'old' else 'new' end);

    if op = 'T' then
        return audit._truncated(table_id);
    end if;

    variables := E'    many boolean;\n    written bigint;\n    chunk record;\n    chunk_rows bigint;\n    memory text;\n'
        || (select string_agg(format(E'    %1$s_key text;\n    %1$s_object json;\n', side), '') from unnest(sides) side)
        || case when op = 'U' then E'    paired boolean;\n    replaced bigint;\n' else '' end;
    statements := case when op = 'U' then audit._capture_update(table_id) else audit._capture_rows(table_id, op) end;

    if has_rules then
        variables := variables
            || E'    keys text[];\n    samples json;\n    refusals jsonb;\n    set_aside boolean;\n'
            || (select string_agg(audit._rule_variables(table_id, side), '') from unnest(sides) side)
            || coalesce((select string_agg(format(E'    errored_%1$s boolean;\n    problem_%1$s text;\n', r.rule_id), '' order by r.rule_id) from audit._compiled_rule(table_id, 'new') r), '')
            || case when op = 'D' then '' else audit._set_aside_variables(table_id) end;
        statements := statements
            || (select string_agg(audit._lookups(table_id, side, with_new => op = 'U'), '') from unnest(sides) side)
            || case when op = 'U' then audit._pairs(table_id) else '' end
            || audit._writers(table_id, op)
            || E'    if ' || (
                select concat_ws(E'\n        or ', string_agg(f.failed, E'\n        or '), case when blocking <> '[]' then 'true' end)
                from unnest(sides) side
                cross join lateral audit._flags(table_id, side) f
            )
            || E'\n    then\n' || format(E'    refusals := %L;\n', blocking) || audit._judge(table_id, op) || E'    end if;\n';
    end if;

    return E'#variable_conflict use_variable\ndeclare\n' || variables || E'begin\n' || statements || E'    return null;\nend;\n';
end;
$$;

comment on function audit._body(integer, text) is 'The body of the trigger function for one event of a watched table.';
revoke all on function audit._body(integer, text) from public;
