-- The question of a rule of the kind gap: which stretches have no row, from the first that has one, or from as far back as the
-- rule looks where there are rows before, to the last that has one, or to the last that is over?
create or replace function audit._ask_gap(rule audit.rule, relation regclass)
    returns text
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
    set intervalstyle = postgres
as $$
#variable_conflict use_variable
declare
    part record;
    width interval := (rule.definition ->> 'width')::interval;
    step text := audit._calendar_step(width);
    look_back interval := coalesce((rule.definition ->> 'over')::interval, 48 * width);
    here text;
    begins text;
begin
    select p.* into part from audit._ask_parts(rule, relation) p;
    here := audit._stretch(format(part.to_moment, format('audit_row.%I', rule.definition ->> 'column')), width, part.zone);
    begins := audit._stretch(format('($1 - interval %L)', look_back), width, part.zone);
    return format(
        $question$
            with taken as (
                select %1$s as group_values, %2$s as starts
                from %3$s audit_row
                where %4$s%5$s
                group by %6$s
            ), ends as (
                select t.group_values, min(t.starts) as first, %7$s as last
                from taken t
                group by t.group_values
            ), looked as (
                select
                    e.group_values,
                    case
                        when exists (select from %3$s audit_row where audit_row.%8$I < %9$s%5$s and %1$s = e.group_values) then %10$s
                        else e.first
                    end as first,
                    e.last
                from ends e
            ), missing as (
                select l.group_values, s.starts
                from looked l
                cross join lateral (
                    select %11$s as starts from generate_series(%12$s, %13$s, %14$L::interval) s (at)
                ) s
                where not exists (select from taken t where t.group_values = l.group_values and t.starts = s.starts)
            )
            select
                l.group_values,
                case when m.missing > 0 then 'failing' else 'ok' end as state,
                m.missing::text as value,
                %15$L as expected,
                case when m.missing > 0 then format('%%s without a row, the first from %%s on', m.missing, m.firsts ->> 0) else 'no gap' end as detail,
                null::timestamptz as starts,
                m.firsts as samples
            from looked l
            cross join lateral (
                select
                    count(*) as missing,
                    to_jsonb((array_agg(to_char(g.starts at time zone %16$L, 'YYYY-MM-DD HH24:MI') order by g.starts))[1:3]) as firsts
                from missing g
                where g.group_values = l.group_values
            ) m
        $question$,
        part.labelled,
        here,
        relation,
        format(part.span, begins, '$1'),
        part.condition,
        concat_ws(', ', part.grouped_by, here),
        case rule.definition ->> 'until'
            when 'now' then audit._stretch(audit._stretch('$1', width, part.zone) || ' - interval ''1 microsecond''', width, part.zone)
            else 'max(t.starts)'
        end,
        rule.definition ->> 'column',
        format(part.from_moment, begins),
        begins,
        -- Days are counted by the calendar, hours as they pass.
        case when step is not null then format('s.at at time zone %L', part.zone) else 's.at' end,
        case when step is not null then format('l.first at time zone %L', part.zone) else 'l.first' end,
        case when step is not null then format('l.last at time zone %L', part.zone) else 'l.last' end,
        coalesce(step, width::text),
        'a row in every ' || (rule.definition ->> 'width'),
        part.zone
    );
end;
$$;

comment on function audit._ask_gap(audit.rule, regclass) is 'The question of a rule of the kind gap.';
revoke all on function audit._ask_gap(audit.rule, regclass) from public;
