-- The statements that look for overlaps: which of the written rows overlap another row that is there now, and by how many
-- the rows of the table that overlap another one have become more or fewer. Rows are compared by their values, so that no
-- key is needed: a row overlaps itself, and one that overlaps anything else counts to two. The second question is asked
-- only if there is an overlap, or was one. A row without a start, and one that ends before it starts, overlaps nothing.
create or replace function audit._overlaps(table_id integer, rule_id integer, side text, with_old boolean)
    returns text
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    parts jsonb;
begin
    select jsonb_build_object(
        'id', r.rule_id,
        'which', side,
        'relation', w.relation,
        'names', k.names,
        -- What of a table row is compared, under the same names.
        'present', format('(select %s from %s audit_row where %s) audit_present', k.present, w.relation, coalesce(r.applies, 'true')),
        'whole', '{alias}.f is not null and ({alias}.t is null or {alias}.f < {alias}.t)',
        'new_values', k.new_values,
        'old_values', k.old_values
    )
    into parts
    from audit.rule r
    join audit.watched_table w on w.table_id = r.table_id
    cross join lateral (
        select
            string_agg(c.alias, ', ' order by c.position) as names,
            string_agg(format('audit_row.%I as %s', c.name, c.alias), ', ' order by c.position) as present,
            string_agg(format('new_values_%s_%s', r.rule_id, c.position), ', ' order by c.position) as new_values,
            string_agg(format('old_values_%s_%s', r.rule_id, c.position), ', ' order by c.position) as old_values
        from (
            select n.name, n.position, case n.position - cardinality(r.columns) when -1 then 'f' when 0 then 't' else format('k%s', n.position) end as alias
            from unnest(r.columns) with ordinality n (name, position)
        ) c
    ) k
    where r.rule_id = _overlaps.rule_id;

    return audit._filled(
        case when side = 'new' then
            E'    new_places_{id} := array(\n'
            '        select audit_came.position\n'
            '        from unnest({new_values}) with ordinality audit_came ({names}, position)\n'
            '        join {present} on {came_present}\n'
            '        where {whole_came} and {whole_present}\n'
            '        group by audit_came.position\n'
            '        having count(*) > 1\n'
            '    );\n'
            '    new_failed_{id} := new_failed_{id} or new_places_{id} <> ''{}'';\n'
        else '' end
        || format(E'    if %s then\n', concat_ws(E'\n        or ',
            case when side = 'new' then 'new_failed_{id}' end,
            case when side = 'old' or with_old then
                E'exists (select from ({net}) audit_net join {present} on {net_present} where audit_net.net < 0 and {whole_present})\n'
                '        or exists (\n'
                '            select\n'
                '            from (\n'
                '                select audit_net.f, audit_net.net, max(audit_net.t) over earlier as reached, bool_or(audit_net.t is null) over earlier as open\n'
                '                from ({net}) audit_net\n'
                '                where audit_net.net < 0\n'
                '                window earlier as ({partition}order by audit_net.f rows between unbounded preceding and 1 preceding)\n'
                '            ) audit_gone\n'
                '            where audit_gone.net < -1 or audit_gone.open or audit_gone.reached > audit_gone.f\n'
                '        )'
            end
        ))
        || E'        with audit_net as ({net}), audit_near as (\n'
        '            select {net_names} from audit_net\n'
        '            union\n'
        '            select {present_names} from audit_net join {present} on {net_present} where {whole_present}\n'
        '        ), audit_seen as (\n'
        '            select {near_names}, count(audit_present.f) as overlapping, count(*) filter (where {same_present}) as present\n'
        '            from audit_near\n'
        '            left join {present} on {near_present} and {whole_present}\n'
        '            group by {near_names}\n'
        '        ), audit_judged as (\n'
        '            select audit_near.overlapping, audit_near.present, coalesce(sum(audit_net.net), 0) as came, coalesce(sum(audit_net.net) filter (where {same_net}), 0) as same\n'
        '            from audit_seen audit_near\n'
        '            left join audit_net on {near_net}\n'
        '            group by {near_names}, audit_near.overlapping, audit_near.present\n'
        '        )\n'
        '        select coalesce(sum(j.present) filter (where j.overlapping > 1), 0) - coalesce(sum(j.present - j.same) filter (where j.overlapping - j.came > 1), 0)\n'
        '        into {which}_moved_{id}\n'
        '        from audit_judged j;\n'
        || case when side = 'new' then E'        more_{id} := greatest({which}_moved_{id} - cardinality(new_places_{id}), 0);\n' else '' end
        || case when side = 'old' then E'        old_count_{id} := greatest(-{which}_moved_{id}, 0);\n        old_failed_{id} := old_count_{id} > 0;\n'
            when with_old then E'        old_count_{id} := greatest(cardinality(new_places_{id}) - {which}_moved_{id}, 0);\n        old_failed_{id} := old_count_{id} > 0;\n'
            else '' end
        || E'    end if;\n',
        parts || (
            select jsonb_object_agg(format('%s_names', a.name), (select string_agg(format('audit_%s.%s', a.name, n.name), ', ' order by n.position) from regexp_split_to_table(parts ->> 'names', ', ') with ordinality n (name, position)))
                || jsonb_object_agg(format('whole_%s', a.name), replace(parts ->> 'whole', '{alias}', 'audit_' || a.name))
            from unnest('{came,present,net,near}'::text[]) a (name)
        ) || (
            select jsonb_object_agg(format('%s_%s', a.name, b.name), concat_ws(
                ' and ',
                (select string_agg(format('audit_%2$s.%3$s = audit_%1$s.%3$s', a.name, b.name, n.name), ' and ' order by n.position) from regexp_split_to_table(parts ->> 'names', ', ') with ordinality n (name, position) where n.name ~ '^k'),
                format('(audit_%1$s.t is null or audit_%2$s.f < audit_%1$s.t)', a.name, b.name),
                format('(audit_%2$s.t is null or audit_%1$s.f < audit_%2$s.t)', a.name, b.name)
            ))
            from (values ('came', 'present'), ('net', 'present'), ('near', 'present'), ('near', 'net')) p (a, b)
            cross join lateral (select p.a as name) a
            cross join lateral (select p.b as name) b
        ) || jsonb_build_object(
            'same_present', 'audit_present.f = audit_near.f and audit_present.t is not distinct from audit_near.t',
            'same_net', 'audit_net.f = audit_near.f and audit_net.t is not distinct from audit_near.t',
            'partition', coalesce('partition by ' || (select string_agg('audit_net.' || n.name, ', ') from regexp_split_to_table(parts ->> 'names', ', ') n (name) where n.name ~ '^k') || ' ', ''),
            'net', format(
                'select %1$s, sum(audit_value.sign) as net from (%2$s) audit_value where %3$s group by %1$s having sum(audit_value.sign) <> 0',
                (select string_agg('audit_value.' || n.name, ', ' order by n.position) from regexp_split_to_table(parts ->> 'names', ', ') with ordinality n (name, position)),
                concat_ws(
                    ' union all ',
                    case when side = 'new' then format('select 1 as sign, audit_new.* from unnest(%s) audit_new (%s)', parts ->> 'new_values', parts ->> 'names') end,
                    case when side = 'old' or with_old then format('select -1 as sign, audit_old.* from unnest(%s) audit_old (%s)', parts ->> 'old_values', parts ->> 'names') end
                ),
                replace(parts ->> 'whole', '{alias}', 'audit_value')
            )
        )
    );
end;
$$;

comment on function audit._overlaps(integer, integer, text, boolean) is 'The statements that look for overlaps of written rows with others.';
revoke all on function audit._overlaps(integer, integer, text, boolean) from public;
