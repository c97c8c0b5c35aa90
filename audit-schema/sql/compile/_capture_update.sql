-- The first part of the function for updates. Old and new rows are paired by their place: both transition tables are
-- filled in the same order. Where their numbers differ (the application dropped a row that moved between partitions)
-- there is no pairing: then the old rows are logged as deleted and the new ones as inserted.
create or replace function audit._capture_update(table_id integer)
    returns text
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    one_row text := E'        select\n'
        '            audit_old.key,\n'
        '            audit_old.object,\n'
        '            audit_new.key,\n'
        '            audit_new.object,\n'
        '            audit_old.more or audit_new.more{flags}\n'
        '        into old_key, old_object, new_key, new_object, many{variables}\n'
        '        from (select {key} as key, {object} as object, exists (select from old_rows offset 1) as more{old_flags} from old_rows audit_row limit 1) audit_old\n'
        '        full join (select {key} as key, {object} as object, exists (select from new_rows offset 1) as more{new_flags} from new_rows audit_row limit 1) audit_new on true;\n';
    all_rows text := E'        select count(*){old_all_flags} into replaced{old_variables} from old_rows audit_row;\n'
        '        select count(*), {chunk_rows}{new_all_flags} into written, chunk_rows{new_variables} from new_rows audit_row;\n';
    plain jsonb;
    asking jsonb;
    old_flags record;
    new_flags record;
begin
    select f.* into old_flags from audit._flags(table_id, 'old') f;
    select f.* into new_flags from audit._flags(table_id, 'new') f;
    select jsonb_build_object(
        'table_id', table_id,
        'key', audit._log_key(w.relation, w.key_columns),
        'object', audit._log_object(w.relation, short => true),
        'chunk_rows', audit._log_chunk_rows(w.relation),
        'shape', audit._log_shape(w.relation),
        'old_object', audit._log_chunk_object(w.relation, 'audit_old'),
        'new_object', audit._log_chunk_object(w.relation, 'audit_new'),
        'old_paired', audit._log_pair_object(w.table_id, 'old'),
        'new_paired', audit._log_pair_object(w.table_id, 'new'),
        'old_to_compare', audit._log_chunks(w.relation, w.key_columns, 'old_rows', to_compare => true),
        'new_to_compare', audit._log_chunks(w.relation, w.key_columns, 'new_rows', to_compare => true),
        'old_chunks', audit._log_chunks(w.relation, w.key_columns, 'old_rows'),
        'new_chunks', audit._log_chunks(w.relation, w.key_columns, 'new_rows'),
        'flags', '', 'variables', '', 'old_flags', '', 'new_flags', '',
        'old_all_flags', '', 'old_variables', '', 'new_all_flags', '', 'new_variables', ''
    )
    into plain
    from audit.watched_table w
    where w.table_id = _capture_update.table_id;
    asking := plain || jsonb_build_object(
        'variables', old_flags.one_row_variables || new_flags.one_row_variables,
        'flags', (
            select string_agg(format(', audit_%s.%s', side, a.name), '' order by side desc, a.position)
            from unnest('{old,new}'::text[]) side
            cross join lateral audit._asked(table_id, side) with ordinality a (expression, name, variable, position)
        ),
        'old_flags', (select string_agg(format(', %s as %s', a.expression, a.name), '') from audit._asked(table_id, 'old') a),
        'new_flags', (select string_agg(format(', %s as %s', a.expression, a.name), '') from audit._asked(table_id, 'new') a),
        'old_all_flags', old_flags.all_rows, 'old_variables', old_flags.all_rows_variables,
        'new_all_flags', new_flags.all_rows, 'new_variables', new_flags.all_rows_variables
    );

    return audit._guarded(
            new_flags.can_raise,
            audit._filled(one_row, asking),
            audit._filled(one_row, plain) || old_flags.assumed || new_flags.assumed
            || audit._lookup_values(table_id, 'old') || audit._lookup_values(table_id, 'new')
        )
        || E'    if not found then\n        return null;\n    end if;\n'
        || E'    if coalesce(many, true) then\n'
        || audit._guarded(
            new_flags.can_raise,
            audit._filled(all_rows, asking),
            audit._filled(all_rows, plain) || old_flags.assumed || new_flags.assumed
        )
        || audit._lookup_values(table_id, 'old')
        || audit._lookup_values(table_id, 'new')
        || E'        paired := replaced = written;\n'
        -- Old chunks, new chunks and their join each take so much, or twice that.
        || audit._log_many(audit._filled(
            E'        if paired then\n'
            '            for chunk in\n'
            '                select audit_new.rows, least(audit_old.key_lo, audit_new.key_lo) as key_lo, greatest(audit_old.key_hi, audit_new.key_hi) as key_hi, {old_paired} as old_object, {new_paired} as new_object\n'
            '                from ({old_to_compare}\n'
            '                ) audit_old\n'
            '                join ({new_to_compare}\n'
            '                ) audit_new on audit_new.part = audit_old.part\n'
            '            loop\n'
            '                insert into audit.change (table_id, op, rows, shape, key_lo, key_hi, old, new)\n'
            '                values ({table_id}, ''U'', chunk.rows, {shape}, chunk.key_lo, chunk.key_hi, chunk.old_object, chunk.new_object);\n'
            '            end loop;\n'
            '        else\n'
            '            for chunk in\n'
            '                select audit_old.rows, audit_old.key_lo, audit_old.key_hi, {old_object} as object\n'
            '                from ({old_chunks}\n'
            '                ) audit_old\n'
            '            loop\n'
            '                insert into audit.change (table_id, op, rows, shape, key_lo, key_hi, old)\n'
            '                values ({table_id}, ''D'', chunk.rows, {shape}, chunk.key_lo, chunk.key_hi, chunk.object);\n'
            '            end loop;\n'
            '            for chunk in\n'
            '                select audit_new.rows, audit_new.key_lo, audit_new.key_hi, {new_object} as object\n'
            '                from ({new_chunks}\n'
            '                ) audit_new\n'
            '            loop\n'
            '                insert into audit.change (table_id, op, rows, shape, key_lo, key_hi, new)\n'
            '                values ({table_id}, ''I'', chunk.rows, {shape}, chunk.key_lo, chunk.key_hi, chunk.object);\n'
            '            end loop;\n'
            '        end if;\n',
            plain
        ), '24MB')
        || audit._filled(
            E'    else\n'
            '        insert into audit.change (table_id, op, rows, shape, key_lo, key_hi, old, new)\n'
            '        values ({table_id}, ''U'', 1, {shape}, least(old_key collate "C", new_key collate "C"), greatest(old_key collate "C", new_key collate "C"), old_object, new_object);\n'
            '    end if;\n',
            plain
        );
end;
$$;

comment on function audit._capture_update(integer) is 'The first part of the function for updates: log both sides in pairs and ask the rules about them.';
revoke all on function audit._capture_update(integer) from public;
