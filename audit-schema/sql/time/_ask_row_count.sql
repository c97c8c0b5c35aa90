-- The question of a rule of the kind row_count: how many rows has the last window that is over? By a column it counts the rows
-- of the table; without one it counts rows as they were inserted, which the hourly activity of the table knows. A group that
-- was there once is expected from then on, with no rows if need be.
create or replace function audit._ask_row_count(rule audit.rule, relation regclass)
    returns text
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
    set intervalstyle = postgres
as $$
#variable_conflict use_variable
declare
    part record;
    width interval := (rule.definition ->> 'per')::interval;
    counted text;
begin
    select p.* into part from audit._ask_parts(rule, relation) p;
    counted := case when rule.definition ->> 'column' is null then format(
        $counted$
            select
                '{}'::jsonb as group_values,
                case
                    -- Of a window in which the watch began, nobody knows all.
                    when w.starts < (select d.watched_at from audit.watched_table d where d.table_id = %1$s)
                        and not exists (select from audit.table_activity a where a.table_id = %1$s and a.hour < w.starts)
                    then null
                    else (
                        select coalesce(sum(a.rows), 0)::bigint
                        from audit.table_activity a
                        where a.table_id = %1$s and a.op = 'I' and a.hour >= w.starts and a.hour < w.ends
                    )
                end as rows
            from win w
        $counted$,
        rule.table_id
    ) else format(
        $counted$
            select g.group_values, coalesce(max(r.rows), 0) as rows
            from (
                select r.group_values from audit_counted r
                union
                select s.group_values from audit.time_rule_state s where s.rule_id = $2 and s.group_values <> '{}'
            ) g
            left join audit_counted r using (group_values)
            group by g.group_values
        $counted$
    ) end;
    return format(
        $question$
            with win as (
                select %1$s as starts, w.ends from (select %2$s as ends) w
            )%3$s, counted as (%4$s)
            select
                c.group_values,
                case when c.rows is null then 'no_data' when c.rows < %5$L or c.rows > %6$L then 'failing' else 'ok' end as state,
                c.rows::text as value,
                %7$L as expected,
                format(
                    case when c.rows is null then 'not all of %%2$s to %%3$s is known' else '%%1$s %%4$s from %%2$s to %%3$s' end,
                    c.rows, to_char(w.starts at time zone %8$L, 'YYYY-MM-DD HH24:MI'), to_char(w.ends at time zone %8$L, 'YYYY-MM-DD HH24:MI'),
                    case c.rows when 1 then 'row' else 'rows' end
                ) as detail,
                w.starts,
                null::jsonb as samples
            from counted c
            cross join win w
        $question$,
        audit._stretch('(w.ends - interval ''1 microsecond'')', width, part.zone),
        audit._stretch('$1', width, part.zone),
        case when rule.definition ->> 'column' is not null then format(
            ', audit_counted as (select %s as group_values, count(*) as rows from win w cross join %s audit_row where %s%s%s)',
            part.labelled, relation, format(part.span, 'w.starts', 'w.ends'), part.condition, ' group by ' || part.grouped_by
        ) end,
        counted,
        coalesce((rule.definition ->> 'min')::bigint, 0),
        coalesce((rule.definition ->> 'max')::bigint, 9223372036854775807),
        concat_ws(' and ', 'at least ' || (rule.definition ->> 'min'), 'at most ' || (rule.definition ->> 'max')) || ' rows per ' || (rule.definition ->> 'per'),
        part.zone
    );
end;
$$;

comment on function audit._ask_row_count(audit.rule, regclass) is 'The question of a rule of the kind row_count.';
revoke all on function audit._ask_row_count(audit.rule, regclass) from public;
