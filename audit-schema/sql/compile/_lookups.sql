-- Statements that look up what was gathered, each in a statement that reads no transition table. A look-up can raise, for
-- example when the right to read the other table was taken away; the write goes on. A value is looked up by itself, so that
-- an index serves it and the cost does not grow with the other table. For a unique rule, a
-- row fails when a row with the same key was there before it; rows of one statement count in their order. present
-- counts the rows with the key that are in the table now, written those that this statement wrote.
create or replace function audit._lookups(table_id integer, side text, with_new boolean)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(string_agg(audit._guarded(
        true,
        case
            when r.kind = 'references' then format(
                E'    %1$s_missing_%2$s := array(\n'
                '        select audit_value.value from unnest(%1$s_values_%2$s) audit_value (value)\n'
                '        where audit_value.value is not null\n'
                '            and (select true from %3$s audit_referenced where audit_referenced.%4$I = audit_value.value limit 1) is null\n'
                '    );\n'
                '    %1$s_failed_%2$s := %1$s_failed_%2$s or %1$s_missing_%2$s <> ''{}''%5$s;\n',
                side, r.rule_id, (r.definition ->> 'table')::regclass, r.definition ->> 'key',
                case when r.fails ~ 'is null or' then format(' or array_position(%s_values_%s, null) is not null', side, r.rule_id) else '' end
            )
            when r.kind = 'no_overlap' then audit._overlaps(table_id, r.rule_id, side, with_new)
            when side = 'new' then format(
                E'    select array_agg(audit_place.position) into new_places_%1$s\n'
                '    from (\n'
                '        select\n'
                '            audit_key.position,\n'
                '            row_number() over (partition by %2$s order by audit_key.position) as nth,\n'
                '            count(*) over (partition by %2$s) as written,\n'
                '            (select count(*) from %3$s audit_present where %4$s) as present\n'
                '        from unnest(%5$s) with ordinality audit_key (%6$s, position)\n'
                '    ) audit_place\n'
                '    where audit_place.present - audit_place.written + audit_place.nth > 1 and audit_place.present > 0;\n'
                '    new_failed_%1$s := new_failed_%1$s or coalesce(new_places_%1$s <> ''{}'', false);\n',
                r.rule_id, k.keys, w.relation, k.joined, k.new_values, k.names
            )
            else format(
                E'    select coalesce(sum(greatest(audit_key.present - audit_key.came + audit_key.gone - 1, 0) - greatest(audit_key.present - audit_key.came - 1, 0)), 0)\n'
                '    into old_count_%1$s\n'
                '    from (\n'
                '        select\n'
                '            count(*) filter (where audit_key.side = -1) as gone,\n'
                '            count(*) filter (where audit_key.side = 1) as came,\n'
                '            (select count(*) from %2$s audit_present where %3$s) as present\n'
                '        from (\n'
                '            select -1 as side, audit_old.* from unnest(%4$s) audit_old (%5$s)\n'
                '%6$s'
                '        ) audit_key\n'
                '        where %7$s\n'
                '        group by %8$s\n'
                '    ) audit_key;\n'
                '    old_failed_%1$s := old_failed_%1$s or old_count_%1$s > 0;\n',
                r.rule_id, w.relation, k.joined, k.old_values, k.names,
                case when with_new then format(E'            union all\n            select 1, audit_new.* from unnest(%s) audit_new (%s)\n', k.new_values, k.names) else '' end,
                k.present, k.keys
            )
        end,
        audit._lookup_failed(side, r.rule_id)),
        '' order by r.rule_id
    ), '')
    from audit._compiled_rule(table_id, side) r
    join audit.watched_table w on w.table_id = _lookups.table_id
    cross join lateral (
        select
            string_agg(format('audit_key.k%s', c.position), ', ' order by c.position) as keys,
            string_agg(format('k%s', c.position), ', ' order by c.position) as names,
            string_agg(format('audit_present.%I = audit_key.k%s', c.name, c.position), ' and ' order by c.position) as joined,
            string_agg(format('audit_key.k%s is not null', c.position), ' and ' order by c.position) as present,
            string_agg(format('new_values_%s_%s', r.rule_id, c.position), ', ' order by c.position) as new_values,
            string_agg(format('old_values_%s_%s', r.rule_id, c.position), ', ' order by c.position) as old_values
        from unnest(r.columns) with ordinality c (name, position)
    ) k
    where r.lookup
        -- What an update does to overlaps is one question, asked with its new rows.
        and not (r.kind = 'no_overlap' and side = 'old' and with_new);
$$;

comment on function audit._lookups(integer, text, boolean) is 'Statements that look up what the look-up rules of a table need.';
revoke all on function audit._lookups(integer, text, boolean) from public;
