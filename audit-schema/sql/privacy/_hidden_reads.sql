-- What of a watched table can not be, because it would keep values of columns that are redacted or hashed: summaries that read
-- one, and time-driven rules that read or group by one. Rules about rows may: they look at the row, not at the log.
create or replace function audit._hidden_reads(table_id integer)
    returns table (object text, number integer, name text, "column" text)
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select 'summary', s.summary_id, s.name, c.name
    from audit.summary s
    cross join unnest(audit._hidden(s.table_id)) c (name)
    where s.table_id = _hidden_reads.table_id
        and s.retired_at is null
        and s.definition -> 'columns' ? c.name
    union all
    select 'rule', r.rule_id, r.name, c.name
    from audit.rule r
    cross join unnest(audit._hidden(r.table_id)) c (name)
    where r.table_id = _hidden_reads.table_id
        and r.retired_at is null
        and r.class = 'time'
        and c.name = any (r.columns)
    union all
    -- The groups of a comparison are those of the other table, too.
    select 'rule', r.rule_id, r.name, c.name
    from audit.rule r
    join audit.watched_table w on w.relation = any (r.reads) and w.unwatched_at is null
    cross join unnest(w.redact || w.hash) c (name)
    where r.table_id = _hidden_reads.table_id
        and r.retired_at is null
        and r.kind = 'reconcile'
        and r.definition -> 'group_by' ? c.name
    order by 1, 3, 4;
$$;

comment on function audit._hidden_reads(integer) is 'Summaries and time-driven rules of a table that would keep values of redacted or hashed columns.';
revoke all on function audit._hidden_reads(integer) from public;
