-- How the rules of a table are asked about one side of a statement, as fragments of the generated functions: for one row
-- and for all rows, each with its variables, what to assume when a rule raised, whether one can, and whether any failed.
create or replace function audit._flags(
    table_id integer,
    side text,
    out one_row text,
    out one_row_variables text,
    out all_rows text,
    out all_rows_variables text,
    out assumed text,
    out can_raise boolean,
    out failed text
)
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select
        coalesce((select string_agg(E',\n            ' || a.expression, '') from audit._asked(table_id, side) a), ''),
        coalesce((select string_agg(', ' || a.variable, '') from audit._asked(table_id, side) a), ''),
        coalesce((select format(E',\n            coalesce(bool_or(%s), false)', a.expression) from audit._asked(table_id, side) a where a.name = 'failed'), ''),
        case when bool_or(r.class = 'row') then format(', %s_failed', side) else '' end,
        case when bool_or(r.class = 'row') then format(E'        %s_failed := true;\n', side) else '' end,
        coalesce(bool_or(r.can_raise) filter (where r.class in ('row', 'lookup')), false),
        nullif(concat_ws(
            ' or ',
            case when bool_or(r.class = 'row') then format('%s_failed', side) end,
            string_agg(format('%s_failed_%s', side, r.rule_id), ' or ' order by r.rule_id) filter (where r.class <> 'row')
        ), '')
    from audit._compiled_rule(table_id, side) r;
$$;

comment on function audit._flags(integer, text) is 'How the rules of a table are asked about one side of a statement, as fragments of the generated functions.';
revoke all on function audit._flags(integer, text) from public;
