-- Statements that gather from a transition table what the look-ups of a table need: the distinct values of a references
-- rule, the columns by which rows are compared with each other in the order of the rows.
create or replace function audit._lookup_values(table_id integer, side text)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(string_agg(
        audit._guarded(
            r.can_raise,
            case r.kind
                when 'references' then format(
                    E'    %1$s_values_%2$s := array(select audit_row.%3$I from %1$s_rows audit_row%4$s group by 1);\n',
                    side, r.rule_id, r.definition ->> 'column', ' where ' || r.applies
                )
                else format(
                    E'    select %s\n    into %s\n    from %s_rows audit_row;\n',
                    (select string_agg(format('array_agg(%s)', c.value), ', ' order by c.place) from audit._key_value(r.columns, r.applies) c),
                    (select string_agg(format('%s_values_%s_%s', side, r.rule_id, c.position), ', ') from unnest(r.columns) with ordinality c (name, position)),
                    side
                )
            end,
            audit._lookup_failed(side, r.rule_id)
        ),
        '' order by r.rule_id
    ), '')
    from audit._compiled_rule(table_id, side) r
    where r.lookup;
$$;

comment on function audit._lookup_values(integer, text) is 'Statements that gather from a transition table what the look-ups of a table need.';
revoke all on function audit._lookup_values(integer, text) from public;
