-- The first part of the function for inserts and for deletes: log the rows of the only side there is, and ask the rules
-- about them on the way. One row costs one look at the transition table; many are logged in chunks.
create or replace function audit._capture_rows(table_id integer, op text)
    returns text
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    side text := case op when 'I' then 'new' else 'old' end;
    one_row text := E'        select\n            {key},\n            {object},\n            exists (select from {side}_rows offset 1){flags}\n'
        '        into {side}_key, {side}_object, many{variables}\n'
        '        from {side}_rows audit_row\n'
        '        limit 1;\n';
    all_rows text := E'        select\n            count(*),\n            {chunk_rows}{flags}\n'
        '        into written, chunk_rows{variables}\n'
        '        from {side}_rows audit_row;\n';
    plain jsonb;
    flags record;
begin
    select f.* into flags from audit._flags(table_id, side) f;
    select jsonb_build_object(
        'side', side,
        'op', op,
        'table_id', table_id,
        'key', audit._log_key(w.relation, w.key_columns),
        'object', audit._log_object(w.relation, short => true),
        'chunk_rows', audit._log_chunk_rows(w.relation),
        'shape', audit._log_shape(w.relation),
        'chunks', audit._log_chunks(w.relation, w.key_columns, side || '_rows'),
        'chunk_object', audit._log_chunk_object(w.relation, 'audit_chunk'),
        'flags', '',
        'variables', ''
    )
    into plain
    from audit.watched_table w
    where w.table_id = _capture_rows.table_id;

    return audit._guarded(
            flags.can_raise,
            audit._filled(one_row, plain || jsonb_build_object('flags', flags.one_row, 'variables', flags.one_row_variables)),
            audit._filled(one_row, plain) || flags.assumed || audit._lookup_values(table_id, side)
        )
        || E'    if not found then\n        return null;\n    end if;\n'
        || E'    if many then\n'
        || audit._guarded(
            flags.can_raise,
            audit._filled(all_rows, plain || jsonb_build_object('flags', flags.all_rows, 'variables', flags.all_rows_variables)),
            audit._filled(all_rows, plain) || flags.assumed
        )
        || audit._lookup_values(table_id, side)
        || audit._log_many(audit._filled(
            E'        for chunk in\n'
            '            select audit_chunk.rows, audit_chunk.key_lo, audit_chunk.key_hi, {chunk_object} as object\n'
            '            from ({chunks}\n'
            '            ) audit_chunk\n'
            '        loop\n'
            '            insert into audit.change (table_id, op, rows, shape, key_lo, key_hi, {side})\n'
            '            values ({table_id}, ''{op}'', chunk.rows, {shape}, chunk.key_lo, chunk.key_hi, chunk.object);\n'
            '        end loop;\n',
            plain
        ), '64MB')
        || audit._filled(
            E'    else\n'
            '        insert into audit.change (table_id, op, rows, shape, key_lo, key_hi, {side})\n'
            '        values ({table_id}, ''{op}'', 1, {shape}, {side}_key, {side}_key, {side}_object);\n'
            '    end if;\n',
            plain
        );
end;
$$;

comment on function audit._capture_rows(integer, text) is 'The first part of the function for inserts and for deletes: log the rows and ask the rules about them.';
revoke all on function audit._capture_rows(integer, text) from public;
