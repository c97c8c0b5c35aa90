-- The expression that gives a chunk as one json object with an array per column. A chunk of one row, which a thousand and
-- one or very wide rows end with, is the plain object of that row, as a statement of one row logs it.
create or replace function audit._log_chunk_object(target regclass, chunk text)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select format(
        '(select to_json(audit_object.*) from (select %s) audit_object)',
        string_agg(format('case when %1$s.rows = 1 then %1$s.c%2$s -> 0 else %1$s.c%2$s end as %3$I', chunk, c.position, c.name), ', ' order by c.position)
    )
    from audit._log_column(target) with ordinality c (name, type, plain, wide, value, position);
$$;

comment on function audit._log_chunk_object(regclass, text) is 'The expression that gives a chunk as one json object with an array per column.';
revoke all on function audit._log_chunk_object(regclass, text) from public;
