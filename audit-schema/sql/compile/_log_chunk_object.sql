-- The expression that gives a chunk as one json object with an array per column. With the chunk before as well, the
-- columns that no row of the chunk changed are left out, but for the key: comparing their finished texts is cheap. A chunk
-- of one row, which a thousand and one or very wide rows end with, is the plain object of that row, whole, as a statement
-- of one row logs it.
create or replace function audit._log_chunk_object(target regclass, key_columns text[], chunk text, before text default null)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select case
        when before is null then format(
            '(select to_json(audit_object.*) from (select %s) audit_object)',
            string_agg(format('%s as %I', v.value, c.name), ', ' order by c.position)
        )
        else format(
            '(select coalesce(json_object_agg(audit_column.name, audit_column.value), ''{}'') from (values %s) audit_column (name, value, before) where %s.rows = 1 or audit_column.before is null or audit_column.value::text <> audit_column.before::text)',
            string_agg(
                format('(%L, %s, %s)', c.name, v.value, case when c.name = any (key_columns) then 'null' else v.earlier end),
                ', ' order by c.position
            ),
            chunk
        )
    end
    from audit._log_column(target) with ordinality c (name, type, plain, wide, value, position)
    cross join lateral (
        select
            format('case when %1$s.rows = 1 then %1$s.c%2$s -> 0 else %1$s.c%2$s end', chunk, c.position) as value,
            format('case when %1$s.rows = 1 then %1$s.c%2$s -> 0 else %1$s.c%2$s end', before, c.position) as earlier
    ) v;
$$;

comment on function audit._log_chunk_object(regclass, text[], text, text) is 'The expression that gives a chunk as one json object with an array per column.';
revoke all on function audit._log_chunk_object(regclass, text[], text, text) from public;
