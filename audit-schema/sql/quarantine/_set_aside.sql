-- The part of a generated function that sets rows aside. An insert is taken out of the table again; an update is undone,
-- unless the old version already failed a quarantine rule: then it is only flagged, so that undoing can not loop.
create or replace function audit._set_aside(table_id integer, op text)
    returns text
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    watched audit.watched_table;
    row_key text;
    row_object text;
    secret text;
    new_rules text;
    old_rules text;
    taken_out text;
    row_constructor text;
    key_values text;
    key_aliases text;
    key_match text;
    key_arrays text;
    column_names text;
    restored_columns text;
    restored_values text;
begin
    select w.* into watched from audit.watched_table w where w.table_id = _set_aside.table_id;
    select
        string_agg(format('case when errored_%s is not true and (%s) then %s end', r.rule_id, r.fails, r.rule_id), ', ' order by r.rule_id),
        -- A row that fails only hide rules stays where it is.
        case when bool_or(d.mode = 'hide')
            then format('audit_bad.rules && %L::integer[]', array_agg(r.rule_id order by r.rule_id) filter (where d.mode = 'set_aside'))
            else 'audit_bad.rules <> ''{}'''
        end
    into new_rules, taken_out
    from audit._compiled_rule(table_id, 'new') r
    join audit.rule d using (rule_id)
    where r.action = 'quarantine'
    having bool_or(d.mode = 'set_aside');
    if new_rules is null then
        return '';
    end if;

    row_key := audit._log_key(watched.relation, watched.key_columns);
    row_object := audit._log_object(watched.relation, which => 'shown');
    -- The true values of columns that must not be shown go to a place of their own.
    secret := case when exists (select from audit._log_column(watched.relation, 'secret')) then audit._log_object(watched.relation, which => 'secret') end;
    select
        string_agg(format('audit_row.%I as "audit key %s"', k.name, k.position), ', ' order by k.position),
        string_agg(format('array_agg(audit_bad."audit key %s")', k.position), ', ' order by k.position),
        string_agg(format('set_aside_key_%s', k.position), ', ' order by k.position),
        string_agg(format('"audit key %s"', k.position), ', ' order by k.position),
        string_agg(format('audit_target.%I = audit_bad."audit key %s"', k.name, k.position), ' and ' order by k.position)
    into key_values, column_names, key_arrays, key_aliases, key_match
    from unnest(watched.key_columns) with ordinality k (name, position);

    if op = 'I' then
        return format(
            E'    if set_aside then\n'
            '        select array_agg(audit_bad.row_key), array_agg(audit_bad.row_object), array_agg(audit_bad.rules::text)%12$s, %1$s\n'
            '        into set_aside_keys, set_aside_rows, set_aside_rules%13$s, %2$s\n'
            '        from (\n'
            '            select %3$s as row_key, %4$s as row_object, array_remove(array[%5$s], null) as rules%14$s, %6$s\n'
            '            from (select audit_row.*, row_number() over () as "audit position" from new_rows audit_row) audit_row\n'
            '        ) audit_bad\n'
            '        where %11$s;\n'
            '        insert into audit.quarantine (%15$stable_id, op, key, rules, row)\n'
            '        select %16$s%7$s, ''I'', audit_bad.row_key, audit_bad.rules::integer[], audit_bad.row_object\n'
            '        from unnest(set_aside_keys, set_aside_rules, set_aside_rows%17$s) audit_bad (row_key, rules, row_object%18$s);\n%19$s'
            '        cause := current_setting(''audit.cause'', true);\n'
            '        perform set_config(''audit.cause'', ''quarantine'', true);\n'
            '        delete from %8$s audit_target using unnest(%2$s) audit_bad (%9$s) where %10$s;\n'
            '        perform set_config(''audit.cause'', coalesce(cause, ''''), true);\n'
            '    end if;\n',
            column_names, key_arrays, row_key, row_object, new_rules, key_values, table_id, watched.relation, key_aliases, key_match, taken_out,
            case when secret is not null then ', array_agg(gen_random_uuid()), array_agg(audit_bad.secret)' else '' end,
            case when secret is not null then ', set_aside_ids, set_aside_secrets' else '' end,
            case when secret is not null then format(', %s as secret', secret) else '' end,
            case when secret is not null then 'quarantine_id, ' else '' end,
            case when secret is not null then 'audit_bad.id, ' else '' end,
            case when secret is not null then ', set_aside_ids' else '' end,
            case when secret is not null then ', id' else '' end,
            case when secret is not null then
                E'        insert into audit.quarantine_secret (quarantine_id, "row")\n'
                '        select audit_bad.id, audit_bad.secret from unnest(set_aside_ids, set_aside_secrets) audit_bad (id, secret);\n'
            else '' end
        );
    end if;

    select string_agg(format('(%s)', r.fails), ' or ' order by r.rule_id)
    into old_rules
    from audit._compiled_rule(table_id, 'old') r
    join audit.rule d using (rule_id)
    where r.action = 'quarantine' and d.mode = 'set_aside' and r.kind <> 'unique';

    select
        string_agg(format('audit_row.%I', a.attname), ', ' order by a.attnum),
        string_agg(format('%I', a.attname), ', ' order by a.attnum) filter (where a.attgenerated = '' and a.attidentity <> 'a'),
        string_agg(format('(audit_bad.row_before).%I', a.attname), ', ' order by a.attnum) filter (where a.attgenerated = '' and a.attidentity <> 'a')
    into row_constructor, restored_columns, restored_values
    from pg_attribute a
    where a.attrelid = watched.relation and a.attnum > 0 and not a.attisdropped;

    return format(
        E'    if set_aside and paired is not false then\n'
        '        select array_agg(audit_bad.row_key), array_agg(audit_bad.row_object), array_agg(audit_bad.rules::text), array_agg(audit_good.row_object), array_agg(audit_good.row_before)%16$s, %1$s\n'
        '        into set_aside_keys, set_aside_rows, set_aside_rules, restored_objects, restored_rows%17$s, %2$s\n'
        '        from (\n'
        '            select audit_row."audit position" as position, %3$s as row_key, %4$s as row_object, array_remove(array[%5$s], null) as rules%18$s, %6$s\n'
        '            from (select audit_row.*, row_number() over () as "audit position" from new_rows audit_row) audit_row\n'
        '        ) audit_bad\n'
        '        join (\n'
        '            select audit_row."audit position" as position, %4$s as row_object, row(%7$s)::%8$s as row_before, coalesce(%9$s, false) as bad%18$s\n'
        '            from (select audit_row.*, row_number() over () as "audit position" from old_rows audit_row) audit_row\n'
        '        ) audit_good on audit_good.position = audit_bad.position\n'
        '        where %15$s and not audit_good.bad;\n'
        '        if set_aside_keys is not null then\n'
        '            insert into audit.quarantine (%19$stable_id, op, key, rules, row, restored)\n'
        '            select %20$s%10$s, ''U'', audit_bad.row_key, audit_bad.rules::integer[], audit_bad.row_object, audit_bad.restored\n'
        '            from unnest(set_aside_keys, set_aside_rules, set_aside_rows, restored_objects%21$s) audit_bad (row_key, rules, row_object, restored%22$s);\n%23$s'
        '            cause := current_setting(''audit.cause'', true);\n'
        '            perform set_config(''audit.cause'', ''quarantine'', true);\n'
        '            update %8$s audit_target set (%11$s) = row(%12$s)\n'
        '            from (select restored_rows[audit_place.n] as row_before, %13$s from generate_subscripts(restored_rows, 1) audit_place (n)) audit_bad\n'
        '            where %14$s;\n'
        '            perform set_config(''audit.cause'', coalesce(cause, ''''), true);\n'
        '        end if;\n'
        '    end if;\n',
        column_names, key_arrays, row_key, row_object, new_rules, key_values, row_constructor, watched.relation, coalesce(old_rules, 'false'),
        table_id, restored_columns, restored_values,
        (select string_agg(format('set_aside_key_%s[audit_place.n] as "audit key %s"', k.position, k.position), ', ') from unnest(watched.key_columns) with ordinality k (name, position)),
        key_match, taken_out,
        case when secret is not null then ', array_agg(gen_random_uuid()), array_agg(audit_bad.secret), array_agg(audit_good.secret)' else '' end,
        case when secret is not null then ', set_aside_ids, set_aside_secrets, restored_secrets' else '' end,
        case when secret is not null then format(', %s as secret', secret) else '' end,
        case when secret is not null then 'quarantine_id, ' else '' end,
        case when secret is not null then 'audit_bad.id, ' else '' end,
        case when secret is not null then ', set_aside_ids' else '' end,
        case when secret is not null then ', id' else '' end,
        case when secret is not null then
            E'            insert into audit.quarantine_secret (quarantine_id, "row", restored)\n'
            '            select audit_bad.id, audit_bad.secret, audit_bad.restored\n'
            '            from unnest(set_aside_ids, set_aside_secrets, restored_secrets) audit_bad (id, secret, restored);\n'
        else '' end
    );
end;
$$;

comment on function audit._set_aside(integer, text) is 'The part of a generated function that sets rows aside.';
revoke all on function audit._set_aside(integer, text) from public;
