-- Retires summaries that read a column which is gone: there is nothing left that they could sum up.
create or replace function audit._retire_broken_summaries(table_id integer)
    returns void
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    broken record;
begin
    for broken in
        select s.summary_id, s.name
        from audit.summary s
        join audit.watched_table w using (table_id)
        where s.table_id = _retire_broken_summaries.table_id
            and s.retired_at is null
            and exists (
                select
                from jsonb_array_elements_text(s.definition -> 'columns') c (name)
                where c.name not in (select l.name from audit._log_column(w.relation, 'whole') l)
            )
    loop
        raise warning 'the summary % is retired: a column that it reads does not exist any more', broken.name;
        perform audit.retire_summary(broken.summary_id);
    end loop;
end;
$$;

comment on function audit._retire_broken_summaries(integer) is 'Retires summaries that read a column which is gone.';
revoke all on function audit._retire_broken_summaries(integer) from public;
