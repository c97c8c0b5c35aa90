-- The question of a rule of the kind fresh: how old is the newest change of the table, which its counter knows, or the newest
-- value of a column? A value that lies ahead of the clock makes nothing fresh. A watch that began is taken for a change, so that
-- a new table has its time.
create or replace function audit._ask_fresh(rule audit.rule, relation regclass)
    returns text
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
    set intervalstyle = postgres
as $$
#variable_conflict use_variable
declare
    part record;
    source text := format('select ''{}''::jsonb as group_values, coalesce(c.written_at, w.watched_at) as newest, c.written_at is null as silent from audit.table_counter c join audit.watched_table w using (table_id) where c.table_id = %s', rule.table_id);
begin
    if rule.definition ->> 'column' is not null then
        select p.* into part from audit._ask_parts(rule, relation) p;
        source := format(
            'select %s as group_values, %s as newest, false as silent from %s audit_row where audit_row.%I <= %s%s%s',
            part.labelled,
            format(part.to_moment, format('max(audit_row.%I)', rule.definition ->> 'column')),
            relation,
            rule.definition ->> 'column',
            format(part.from_moment, '$1'),
            part.condition,
            ' group by ' || part.grouped_by
        );
    end if;
    return format(
        $question$
            select
                n.group_values,
                case when n.newest is null then 'no_data' when n.age > %1$L::interval then 'failing' else 'ok' end as state,
                case when not n.silent then to_char(n.newest, 'YYYY-MM-DD HH24:MI:SS "UTC"') end as value,
                %2$L as expected,
                case when n.silent then 'nothing was written since the watch began' when n.newest is null then 'there is none' else format('the newest is %%s old', justify_hours(date_trunc('second', n.age))) end as detail,
                null::timestamptz as starts,
                null::jsonb as samples
            from (select s.*, audit._time_within(s.newest, $1, %3$L) as age from (%4$s) s) n
        $question$,
        rule.definition ->> 'within',
        concat_ws(' during ', 'no older than ' || (rule.definition ->> 'within'), rule.definition ->> 'during'),
        rule.definition ->> 'during',
        source
    );
end;
$$;

comment on function audit._ask_fresh(audit.rule, regclass) is 'The question of a rule of the kind fresh.';
revoke all on function audit._ask_fresh(audit.rule, regclass) from public;
