-- The statement of a generated function that finds out which row rules failed, once one of them has. When one of them
-- raises, each is asked by itself afterwards.
create or replace function audit._which_failed(table_id integer, side text)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select case when count(*) = 0 then '' else
        format(E'    if %s_failed then\n', side)
        || audit._guarded(
            bool_or(r.can_raise),
            format(
                E'        select\n            %s\n        into %s\n        from %s_rows audit_row;\n',
                string_agg(format('bool_or(%s)', r.fails), E',\n            ' order by r.rule_id),
                string_agg(format('%s_failed_%s', side, r.rule_id), ', ' order by r.rule_id),
                side
            ),
            string_agg(format(E'        %s_failed_%s := true;\n', side, r.rule_id), '' order by r.rule_id)
        )
        || E'    end if;\n'
    end
    from audit._compiled_rule(table_id, side) r
    where r.class = 'row';
$$;

comment on function audit._which_failed(integer, text) is 'The statement of a generated function that finds out which row rules failed.';
revoke all on function audit._which_failed(integer, text) from public;
