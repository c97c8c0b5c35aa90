-- Lets the rules of a table, and what is redacted or hashed, follow a column to its new name. In a predicate every column is written as audit_row.name, so
-- the text is read token by token: a string that looks the same is left alone.
create or replace function audit._rename_column(table_id integer, old_name text, new_name text)
    returns void
    language sql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
    update audit.watched_table w
    set redact = array_replace(w.redact, old_name, new_name),
        hash = array_replace(w.hash, old_name, new_name)
    where w.table_id = _rename_column.table_id
        and old_name = any (w.redact || w.hash);

    update audit.rule r
    set columns = array_replace(r.columns, old_name, new_name),
        definition = r.definition
            || case when r.definition ->> 'column' = old_name then jsonb_build_object('column', new_name) else '{}' end
            || case when r.definition -> 'columns' ? old_name
                then jsonb_build_object('columns', (
                    select jsonb_agg(case c.name when old_name then new_name else c.name end order by c.position)
                    from jsonb_array_elements_text(r.definition -> 'columns') with ordinality c (name, position)
                ))
                else '{}'
            end
            || case when r.definition -> 'group_by' ? old_name
                then jsonb_build_object('group_by', (
                    select jsonb_agg(case c.name when old_name then new_name else c.name end order by c.position)
                    from jsonb_array_elements_text(r.definition -> 'group_by') with ordinality c (name, position)
                ))
                else '{}'
            end,
        predicate = audit._with_column_renamed(r.predicate, old_name, new_name),
        applies = audit._with_column_renamed(r.applies, old_name, new_name)
    where r.table_id = _rename_column.table_id
        and r.retired_at is null;
$$;

comment on function audit._rename_column(integer, text, text) is 'Lets the rules of a table follow a column to its new name.';
revoke all on function audit._rename_column(integer, text, text) from public;
