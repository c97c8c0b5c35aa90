-- The live rules of a table as the generated functions need them. `fails` is true for a row audit_row that fails; for
-- look-ups it refers to an array that the function has filled before: what is missing, or the places of duplicates.
-- side is 'new' or 'old', the side of the statement that is asked about.
create or replace function audit._compiled_rule(table_id integer, side text)
    returns table (rule_id integer, name text, kind text, action text, on_error text, columns text[], definition jsonb, can_raise boolean, lookup boolean, applies text, fails text, sample text)
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select
        r.rule_id,
        r.name,
        r.kind,
        r.action,
        r.on_error,
        r.columns,
        r.definition,
        r.kind = 'expression' or r.applies is not null,
        r.kind in ('references', 'unique'),
        r.applies,
        case when r.applies is null then f.fails else format('case when %s then %s else false end', r.applies, f.fails) end,
        case
            when r.columns = '{}' then 'null::json'
            else format('json_build_object(%s)', (
                select string_agg(format('%L, %s', c.name, c.value), ', ')
                from audit._log_column(w.relation) c
                where c.name = any (r.columns[1:40])
            ))
        end
    from audit.rule r
    join audit.watched_table w on w.table_id = r.table_id
    cross join lateral (
        select case r.kind
            when 'references' then
                case r.nulls when 'fail' then format('(audit_row.%1$I is null or audit_row.%1$I in (select unnest(%2$s_missing_%3$s)))', r.definition ->> 'column', side, r.rule_id)
                else format('audit_row.%1$I in (select unnest(%2$s_missing_%3$s))', r.definition ->> 'column', side, r.rule_id) end
            when 'unique' then format('audit_row."audit position" in (select unnest(%s_duplicates_%s))', side, r.rule_id)
            else format('(%s) is %s', r.predicate, case r.nulls when 'fail' then 'not true' else 'false' end)
        end as fails
    ) f
    where r.table_id = _compiled_rule.table_id
        and r.retired_at is null
        and r.broken is null
    order by r.rule_id;
$$;

comment on function audit._compiled_rule(integer, text) is 'The live rules of a table as the generated functions need them.';
revoke all on function audit._compiled_rule(integer, text) from public;
