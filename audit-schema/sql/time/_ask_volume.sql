-- The question of a rule of the kind volume: is the number of rows of the last window that is over usual for its weekday and
-- its time of the day? It is compared with the same windows of the weeks before, without those that were anomalous and without
-- those before the first that had rows. Median and median absolute deviation (MAD) are not moved by a few outliers: the robust
-- z-score is 0.6745 times the distance from the median in MADs (Iglewicz and Hoaglin, 1993). Where more than half of the
-- windows are equal and MAD is 0, 1.2533 times the mean absolute deviation takes its place; in no case is the scale below one
-- row, so that a number that was always the same may move by as many rows as the threshold says.
create or replace function audit._ask_volume(rule audit.rule, relation regclass)
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
begin
    select p.* into part from audit._ask_parts(rule, relation) p;
    return format(
        $question$
            with judged as (
                select %1$s as starts from (select %2$s as ends) w
            ), win as (
                select w.nth, w.starts, %3$s as ends
                from (
                    select n.nth, %4$s as starts
                    from judged j
                    cross join generate_series(0, %5$s) n (nth)
                ) w
            ), counted as (
                %6$s
            ), grouped as (
                %7$s
            ), filled as (
                select
                    g.group_values,
                    md5(g.group_values::text) as group_key,
                    w.nth,
                    w.starts,
                    coalesce(c.rows, 0) as rows,
                    max(w.nth) filter (where c.rows > 0) over (partition by g.group_values) as oldest
                from grouped g
                cross join win w
                left join counted c on c.group_values = g.group_values and c.nth = w.nth
            ), learned as (
                select f.group_values, f.rows
                from filled f
                where f.nth between 1 and f.oldest
                    and not exists (
                        select from audit.volume_verdict v
                        where v.rule_id = $2 and v.group_key = f.group_key and v.starts = f.starts and v.anomalous
                    )
            ), middle as (
                select l.group_values, count(*) as windows, percentile_cont(0.5) within group (order by l.rows) as median
                from learned l
                group by l.group_values
            ), spread as (
                select
                    m.group_values,
                    m.windows,
                    m.median,
                    percentile_cont(0.5) within group (order by abs(l.rows - m.median)) as mad,
                    avg(abs(l.rows - m.median)) as mean
                from middle m
                join learned l using (group_values)
                group by m.group_values, m.windows, m.median
            ), scored as (
                select
                    f.group_values,
                    f.starts,
                    f.rows,
                    coalesce(s.windows, 0) as windows,
                    s.median,
                    greatest(case when s.mad > 0 then s.mad / 0.6745 else 1.2533 * s.mean end, 1) as scale
                from filled f
                left join spread s using (group_values)
                where f.nth = 0
            )
            select
                s.group_values,
                case
                    when s.windows < %8$s then 'no_data'
                    when %9$s > %10$s * s.scale then 'failing'
                    else 'ok'
                end as state,
                s.rows::text as value,
                case when s.windows >= %8$s then %11$s end as expected,
                case
                    when s.windows < %8$s then format('%%s of the %%s windows that are needed are known', s.windows, %8$s)
                    else format(
                        '%%s rows in the window from %%s, usual are %%s', s.rows,
                        to_char(s.starts at time zone %12$L, 'Dy YYYY-MM-DD HH24:MI'), round(s.median::numeric, 1)
                    )
                end as detail,
                s.starts,
                null::jsonb as samples
            from scored s
        $question$,
        audit._stretch('(w.ends - interval ''1 microsecond'')', width, part.zone),
        audit._stretch('$1', width, part.zone),
        audit._stretch('w.starts', width, part.zone, next => true),
        audit._stretch(format('((j.starts at time zone %1$L - n.nth * interval ''7 days'') at time zone %1$L)', part.zone), width, part.zone),
        -- Weeks in the history.
        floor(extract(epoch from (rule.definition ->> 'history')::interval) / 604800)::integer,
        case when rule.definition ->> 'column' is null then format(
            'select ''{}''::jsonb as group_values, w.nth, sum(a.rows)::bigint as rows from win w join audit.table_activity a on a.table_id = %s and a.op = ''I'' and a.hour >= w.starts and a.hour < w.ends group by w.nth',
            rule.table_id
        ) else format(
            'select %s as group_values, w.nth, count(*) as rows from win w join %s audit_row on %s%s group by %s',
            part.labelled, relation, format(part.span, 'w.starts', 'w.ends'), part.condition, concat_ws(', ', 'w.nth', part.grouped_by)
        ) end,
        case when part.grouped_by is null then 'select ''{}''::jsonb as group_values'
            else 'select c.group_values from counted c union select s.group_values from audit.time_rule_state s where s.rule_id = $2 and s.group_values <> ''{}''' end,
        (rule.definition ->> 'minimum')::integer,
        case rule.definition ->> 'direction' when 'drop' then 's.median - s.rows' when 'spike' then 's.rows - s.median' else 'abs(s.rows - s.median)' end,
        (rule.definition ->> 'threshold')::numeric,
        format(
            case rule.definition ->> 'direction'
                when 'drop' then 'format(''at least %%s'', ceil(greatest(s.median - %1$s * s.scale, 0)))'
                when 'spike' then 'format(''at most %%s'', floor(s.median + %1$s * s.scale))'
                else 'format(''%%s to %%s'', ceil(greatest(s.median - %1$s * s.scale, 0)), floor(s.median + %1$s * s.scale))'
            end,
            (rule.definition ->> 'threshold')::numeric
        ),
        part.zone
    );
end;
$$;

comment on function audit._ask_volume(audit.rule, regclass) is 'The question of a rule of the kind volume.';
revoke all on function audit._ask_volume(audit.rule, regclass) from public;
