-- The question of a rule of the kind reconcile: do two relations agree, in their number of rows or in the sum of a column, by
-- group? A group that only one of them has is counted as nothing in the other.
create or replace function audit._ask_reconcile(rule audit.rule, relation regclass)
    returns text
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    part record;
    tolerance numeric := coalesce((rule.definition ->> 'tolerance')::numeric, 0);
    measure text := case rule.definition ->> 'measure' when 'count' then 'count(*)::numeric' else 'coalesce(sum(audit_row.%I), 0)::numeric' end;
begin
    if not exists (select from pg_class c where c.oid = rule.reads[1]) then
        raise exception using errcode = 'AU002', constraint = 'referenced_table_does_not_exist', message = format('table %s does not exist', rule.definition ->> 'table');
    end if;
    select p.* into part from audit._ask_parts(rule, relation) p;
    return format(
        $question$
            select
                b.group_values,
                case when abs(b.ours - b.theirs) <= %1$s then 'ok' else 'failing' end as state,
                b.ours::text as value,
                b.theirs || %2$L as expected,
                case when b.ours = b.theirs then 'no difference' else format('a difference of %%s', b.ours - b.theirs) end as detail,
                null::timestamptz as starts,
                null::jsonb as samples
            from (
                select s.group_values, sum(s.ours) as ours, sum(s.theirs) as theirs
                from (
                    select %3$s as group_values, %4$s as ours, 0 as theirs from %5$s audit_row where true%6$s%7$s
                    union all
                    select %3$s, 0, %8$s from %9$s audit_row%7$s
                ) s
                group by s.group_values
            ) b
        $question$,
        tolerance,
        ' in ' || (rule.definition ->> 'table') || case when tolerance > 0 then ', or up to ' || tolerance || ' away' else '' end,
        part.labelled,
        format(measure, rule.definition ->> 'column'),
        relation,
        part.condition,
        coalesce(' group by ' || part.grouped_by, ''),
        format(measure, rule.definition ->> 'its'),
        rule.reads[1]
    );
end;
$$;

comment on function audit._ask_reconcile(audit.rule, regclass) is 'The question of a rule of the kind reconcile.';
revoke all on function audit._ask_reconcile(audit.rule, regclass) from public;
