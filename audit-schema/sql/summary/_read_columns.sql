-- The columns that some summaries of a table read, with the type, and collation, of which their values are once more.
create or replace function audit._read_columns(summaries integer[])
    returns table (name text, type text, "position" bigint)
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select
        c.name,
        c.type || case when a.attcollation <> t.typcollation then ' collate ' || a.attcollation::regcollation else '' end,
        c.position
    from (
        select w.relation, array_agg(u.name) as used
        from audit.summary s
        join audit.watched_table w using (table_id)
        cross join jsonb_array_elements_text(s.definition -> 'columns') u (name)
        where s.summary_id = any (summaries)
        group by w.relation
    ) w
    cross join audit._log_column(w.relation, 'whole') with ordinality c (name, type, plain, wide, value, position)
    join pg_attribute a on a.attrelid = w.relation and a.attname = c.name
    join pg_type t on t.oid = a.atttypid
    where c.name = any (w.used);
$$;

comment on function audit._read_columns(integer[]) is 'The columns that some summaries of a table read, with the type of their values.';
revoke all on function audit._read_columns(integer[]) from public;
