-- Everything that a check of a table needs, as it is at this moment: how rows are told apart, how far it reads, and for
-- each rule that can be asked of a row that exists the condition under which the row fails. Rules that compare what a
-- statement wrote with what was there before can not. rule_names are the ones that are meant; null means all in
-- force. null comes back where there is nothing to check.
create or replace function audit._check_plan(table_id integer, rule_names text[] default null)
    returns jsonb
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    target regclass;
    place record;
    key text;
    result jsonb;
    last jsonb;
begin
    select w.relation into target from audit.watched_table w where w.table_id = _check_plan.table_id;
    select c.* into place from audit._check_columns(target) c;
    key := case when place.by_key then audit._log_key(target, place.columns) else 'audit_row.ctid::text' end;

    select jsonb_build_object(
        'relation', target::oid,
        'by_key', place.by_key,
        'hidden', audit._hidden(table_id) <> '{}',
        'columns', place.columns,
        'types', place.types,
        'key', key,
        'order', (select string_agg(format('audit_row.%I', n.name), ', ' order by n.position) from unnest(place.columns) with ordinality n (name, position)),
        'place', (select format('jsonb_build_array(%s)', string_agg(format('format(''%%s'', audit_row.%I)', n.name), ', ' order by n.position)) from unnest(place.columns) with ordinality n (name, position)),
        'rules', jsonb_agg(
            jsonb_build_object(
                'rule_id', r.rule_id,
                'name', r.name,
                'severity', r.severity,
                'action', r.action,
                'owner', r.owner,
                'mostly', r.mostly,
                'shadow', r.shadow,
                'how', coalesce(u.how, o.how, 'row'),
                'fails', case r.kind when 'unique' then u.fails when 'references' then f.missing when 'no_overlap' then o.fails else c.fails end,
                'statement', coalesce(u.statement, o.statement),
                'sample', c.sample
            ) order by array_position('{critical,important,normal,low}'::text[], r.severity), r.name
        )
    )
    into result
    from audit._compiled_rule(table_id, 'new') c
    join audit.rule r using (rule_id)
    left join lateral audit._check_unique(target, r.columns, key, c.sample) u on r.kind = 'unique'
    left join lateral audit._check_overlap(target, r.definition, r.applies, key, c.sample) o on r.kind = 'no_overlap'
    cross join lateral (
        select case when r.kind = 'references' then format(
            case when r.applies is null then '%2$s' else 'case when %1$s then %2$s else false end' end,
            r.applies,
            format(
                case r.nulls when 'fail' then '(audit_row.%1$I is null or %2$s)' else '(audit_row.%1$I is not null and %2$s)' end,
                r.definition ->> 'column',
                format(
                    'not exists (select from %s audit_referenced where audit_referenced.%I = audit_row.%I)',
                    to_regclass(r.definition ->> 'table'), r.definition ->> 'key', r.definition ->> 'column'
                )
            )
        ) end as missing
    ) f
    where r.class in ('row', 'lookup')
        and (r.name = any (rule_names) or rule_names is null)
    having count(*) > 0;
    if result is null then
        return null;
    end if;

    if not place.by_key then
        -- A table in parts, each with so many blocks. What is appended later is checked when it is written.
        return result || jsonb_build_object('upto', (
            select coalesce(jsonb_agg(jsonb_build_object('part', p.part, 'blocks', p.blocks) order by p.part), '[]')
            from audit._check_parts(target) p
        ));
    end if;
    execute format(
        'select %s from %s audit_row order by %s limit 1',
        result ->> 'place', target,
        (select string_agg(format('audit_row.%I desc', n.name), ', ' order by n.position) from unnest(place.columns) with ordinality n (name, position))
    )
    into last;
    return result || jsonb_build_object('upto', last);
end;
$$;

comment on function audit._check_plan(integer, text[]) is 'Everything that a check of a table needs, as it is at this moment.';
revoke all on function audit._check_plan(integer, text[]) from public;
