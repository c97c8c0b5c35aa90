-- The expression that gives a chunk as one json object with an array per column. With the chunk before as well, the
-- columns that no row of the chunk changed are left out, but for the key: comparing their finished texts is cheap.
create or replace function audit._log_chunk_object(target regclass, key_columns text[], chunk text, before text default null)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select case
        when before is null then format(
            '(select to_json(audit_object.*) from (select %s) audit_object)',
            string_agg(format('%s.c%s as %I', chunk, c.position, c.name), ', ' order by c.position)
        )
        else format(
            '(select coalesce(json_object_agg(audit_column.name, audit_column.value), ''{}'') from (values %s) audit_column (name, value, before) where audit_column.before is null or audit_column.value::text <> audit_column.before::text)',
            string_agg(
                format('(%L, %s.c%s, %s)', c.name, chunk, c.position, case when c.name = any (key_columns) then 'null' else format('%s.c%s', before, c.position) end),
                ', ' order by c.position
            )
        )
    end
    from audit._log_column(target) with ordinality c (name, type, plain, wide, value, position);
$$;

comment on function audit._log_chunk_object(regclass, text[], text, text) is 'The expression that gives a chunk as one json object with an array per column.';
revoke all on function audit._log_chunk_object(regclass, text[], text, text) from public;
