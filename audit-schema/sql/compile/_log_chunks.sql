-- The query that turns a transition table into log chunks: rows, lowest and highest key, one json array per column.
-- Its caller has set chunk_rows, so that no chunk grows past some megabytes.
create or replace function audit._log_chunks(target regclass, key_columns text[], transition_table text)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select format(
        $query$
            select
                audit_chunk.part,
                audit_chunk.rows,
                audit_chunk.key_lo,
                audit_chunk.key_hi,
                (select to_json(audit_object.*) from (select %1$s) audit_object) as object
            from (
                select
                    audit_row."audit part" as part,
                    count(*)::integer as rows,
                    min((%2$s) collate "C") as key_lo,
                    max((%2$s) collate "C") as key_hi,
                    %3$s
                from (select audit_row.*, (row_number() over () - 1) / chunk_rows as "audit part" from %4$I audit_row) audit_row
                group by audit_row."audit part"
            ) audit_chunk$query$,
        string_agg(format('audit_chunk.c%s as %I', c.position, c.name), ', ' order by c.position),
        audit._log_key(target, key_columns),
        string_agg(format('json_agg(%s) as c%s', c.value, c.position), E',\n                    ' order by c.position),
        transition_table
    )
    from audit._log_column(target) with ordinality c (name, type, plain, wide, value, position);
$$;

comment on function audit._log_chunks(regclass, text[], text) is 'The query that turns a transition table into log chunks.';
revoke all on function audit._log_chunks(regclass, text[], text) from public;
