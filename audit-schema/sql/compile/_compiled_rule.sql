-- The live rules of a table as the generated functions need them, without time-driven ones, which cost a writer nothing. `fails` is true for a row audit_row that fails; where
-- that takes more than the row, it refers to what the function has found out before: which values are missing, the places
-- of the rows that fail, whether the writer may write. `compared` is true for a new row audit_row and the row before it,
-- audit_old, if the change fails; null for other rules. side is 'new' or 'old', the side of the statement that is asked
-- about: the old one has no rules about changes.
-- It is asked for dozens of times while a table is compiled, so it is in PL/pgSQL, which keeps its plan.
create or replace function audit._compiled_rule(table_id integer, side text)
    returns table (rule_id integer, name text, kind text, class text, action text, on_error text, columns text[], definition jsonb, can_raise boolean, lookup boolean, applies text, fails text, compared text, sample text)
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select
        r.rule_id,
        r.name,
        r.kind,
        r.class,
        case when r.shadow then 'shadow' else r.action end,
        case when r.shadow then 'pass' else r.on_error end,
        r.columns,
        r.definition,
        r.kind = 'expression' or r.applies is not null or (r.class <> 'lookup' and t.foreign_types),
        r.class = 'lookup',
        r.applies,
        case
            when r.class = 'transition' or r.kind in ('unique', 'no_overlap') then
                case side when 'new' then format('audit_row."audit position" in (select unnest(new_places_%s))', r.rule_id) else 'false' end
            when r.class = 'statement' then
                case side when 'new' then concat_ws(' and ', format('new_failed_%s', r.rule_id), r.applies) else 'false' end
            else f.fails
        end,
        case when r.class = 'transition' then f.fails end,
        case
            when r.columns = '{}' then 'null::json'
            else format('json_build_object(%s)', (
                select string_agg(format('%L, %s', c.name, c.value), ', ')
                from audit._log_column(w.relation, 'shown') c
                where c.name = any (r.columns[1:40])
            ))
        end
    from audit.rule r
    join audit.watched_table w on w.table_id = r.table_id
    cross join lateral (
        -- The operators and casts of a type of one's own may do anything.
        select coalesce(bool_or(y.typnamespace <> 'pg_catalog'::regnamespace and y.typtype <> 'e'), false) as foreign_types
        from pg_attribute a
        join pg_type y on y.oid = a.atttypid
        where a.attrelid = w.relation
            and a.attname = any (r.columns)
            and a.attnum > 0
            and not a.attisdropped
            and r.kind <> 'not_null'
    ) t
    cross join lateral (
        select case
            when r.kind = 'references' then
                case r.nulls when 'fail' then format('(audit_row.%1$I is null or audit_row.%1$I in (select unnest(%2$s_missing_%3$s)))', r.definition ->> 'column', side, r.rule_id)
                else format('audit_row.%1$I in (select unnest(%2$s_missing_%3$s))', r.definition ->> 'column', side, r.rule_id) end
            else format('(%s) is %s', r.predicate, case r.nulls when 'fail' then 'not true' else 'false' end)
        end as fails
    ) b
    cross join lateral (
        select case when r.applies is null then b.fails else format('case when %s then %s else false end', r.applies, b.fails) end as fails
    ) f
    where r.table_id = _compiled_rule.table_id
        and r.retired_at is null
        and r.broken is null
        and r.class <> 'time'
        and (side = 'new' or r.class <> 'transition')
    order by r.rule_id;
end;
$$;

comment on function audit._compiled_rule(integer, text) is 'The live rules of a table as the generated functions need them.';
revoke all on function audit._compiled_rule(integer, text) from public;
