-- What can not be, because it would keep values of columns that are redacted or hashed: summaries that read one or show one of
-- a referenced table, and time-driven rules that read or group by one. table_id is the table that the object is about, hidden_of
-- the one whose column it is. Rules about rows may read such columns: they look at the row, not at the log.
create or replace function audit._hidden_reads()
    returns table (table_id integer, hidden_of integer, object text, number integer, name text, "column" text)
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    with hidden as (
        select w.table_id, w.relation, c.name
        from audit.watched_table w
        cross join unnest(w.redact || w.hash) c (name)
        where w.unwatched_at is null
    )
    select s.table_id, h.table_id, 'summary', s.summary_id, s.name, h.name
    from audit.summary s
    join hidden h on h.table_id = s.table_id and s.definition -> 'columns' ? h.name
    where s.retired_at is null
    union
    select s.table_id, h.table_id, 'summary', s.summary_id, s.name, h.name
    from audit.summary s
    cross join jsonb_array_elements(s.definition -> 'checked') p (value)
    join hidden h on h.relation = to_regclass(p.value -> 'reference' ->> 'table') and h.name = p.value -> 'reference' ->> 'column'
    where s.retired_at is null
    union
    select r.table_id, h.table_id, 'rule', r.rule_id, r.name, h.name
    from audit.rule r
    join hidden h on h.table_id = r.table_id and h.name = any (r.columns)
    where r.retired_at is null
        and r.class = 'time'
    union
    -- The groups of a comparison are those of the other table, too.
    select r.table_id, h.table_id, 'rule', r.rule_id, r.name, h.name
    from audit.rule r
    join hidden h on h.relation = any (r.reads) and r.definition -> 'group_by' ? h.name
    where r.retired_at is null
        and r.kind = 'reconcile'
    order by 1, 3, 5, 6;
$$;

comment on function audit._hidden_reads() is 'Summaries and time-driven rules that would keep values of redacted or hashed columns.';
revoke all on function audit._hidden_reads() from public;
