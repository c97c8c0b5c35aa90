-- Declares a rule, or a new version of one. Nothing is checked before audit.compile() has run for the table; a rule that
-- is declared again unchanged stays as it is. Runs with the rights and the search_path of the caller.
create or replace function audit.declare_rule(
    target regclass,
    name text,
    kind text,
    definition jsonb,
    condition text default null,
    severity text default 'normal',
    action text default 'flag',
    owner text default '',
    why text default '',
    fix_within interval default null,
    nulls text default 'pass',
    on_error text default 'pass',
    mostly double precision default null,
    shadow boolean default false,
    mode text default 'set_aside'
)
    returns integer
    language plpgsql
    volatile
as $$
#variable_conflict use_variable
declare
    watched audit.watched_table;
    before audit.rule;
    source text;
    pairs boolean;
    canonical text;
    columns text[];
    applies text;
    compares boolean := false;
    class text;
    missing text;
    query text;
    reads regclass[] := '{}';
    result integer;
begin
    select w.* into watched from audit.watched_table w where w.relation = target and w.unwatched_at is null;
    if not found then
        raise exception using
            errcode = 'AU002',
            constraint = 'table_is_not_watched',
            message = pg_catalog.format('%s is not watched', target),
            hint = pg_catalog.format('Call audit.watch(%L) first.', target);
    end if;

    -- Every column that the rule names must be there.
    select c.column_name into missing
    from (
        select definition ->> 'column' as column_name
        union all
        select definition ->> 'from'
        union all
        select definition ->> 'to'
        union all
        select pg_catalog.jsonb_array_elements_text(definition -> 'columns')
        union all
        select pg_catalog.jsonb_array_elements_text(definition -> 'group_by')
    ) c
    where c.column_name is not null
        and not exists (
            select from pg_catalog.pg_attribute a
            where a.attrelid = target and a.attname = c.column_name and a.attnum > 0 and not a.attisdropped
        )
    limit 1;
    if missing is not null then
        raise exception using
            errcode = 'AU002',
            constraint = 'column_does_not_exist',
            column = missing,
            message = pg_catalog.format('table %s has no column `%s`', target, missing),
            hint = (
                select 'Its columns are ' || pg_catalog.string_agg(a.attname, ', ' order by a.attnum) || '.'
                from pg_catalog.pg_attribute a
                where a.attrelid = target and a.attnum > 0 and not a.attisdropped
            );
    end if;

    if action = 'quarantine' and watched.key_columns = '{}' then
        raise exception using
            errcode = 'AU002',
            constraint = 'table_has_no_primary_key',
            message = pg_catalog.format('rule `%s` can not quarantine rows of %s, which has no primary key', name, target),
            hint = 'Add a primary key, or use the action flag or reject.';
    end if;

    if kind in ('fresh', 'gap', 'row_count', 'volume', 'reconcile', 'sql', 'bounds') then
        select c.columns, c.reads into columns, reads from audit._check_time_rule(target, name, kind, definition, condition, action, nulls, on_error) c;
        if kind = 'sql' then
            select c.query, c.reads into query, reads from audit._canonical_query(definition ->> 'query') c;
        end if;
        -- What the pipeline may read already, because others lent it, is not for everybody to look at through a rule.
        select relation::text into missing from pg_catalog.unnest(reads) relation where not pg_catalog.has_any_column_privilege(relation, 'select') limit 1;
        if missing is not null then
            raise exception using
                errcode = 'AU002',
                constraint = 'relation_can_not_be_read',
                message = pg_catalog.format('rule `%s` reads %s, which %s may not', name, missing, current_user),
                hint = pg_catalog.format('Let its owner run: grant select on %s to %I', missing, current_user);
        end if;
        if condition is not null then
            select c.canonical, columns || c.columns into applies, columns from audit._canonical(target, pg_catalog.format('(%s' || E'\n' || ') is true', condition)) c;
        end if;
        class := 'time';
    else
        source := audit._rule_source(target, name, kind, definition, condition, nulls);
        pairs := kind not in ('references', 'unique', 'no_overlap', 'writers');
        select c.canonical, c.columns, c.compares into canonical, columns, compares from audit._canonical(target, source, pairs) c;
        -- The view accepts any type; a predicate is a condition.
        perform audit._canonical(target, pg_catalog.format('(%s' || E'\n' || ') is false', source), pairs);
        if condition is not null then
            select c.canonical, c.compares or compares into applies, compares from audit._canonical(target, pg_catalog.format('(%s' || E'\n' || ') is true', condition), pairs) c;
        end if;
        class := case
            when kind = 'writers' then 'statement'
            when not pairs then 'lookup'
            -- A rule that speaks of the row before is about updates, whatever its kind.
            when compares then 'transition'
            else 'row'
        end;
        if kind in ('unique', 'no_overlap') then
            columns := array(
                select pg_catalog.jsonb_array_elements_text(definition -> 'columns')
                union all
                select c.name from (values (definition ->> 'from'), (definition ->> 'to')) c (name) where c.name is not null
            );
        end if;
    end if;
    if mode = 'hide' and (action <> 'quarantine' or class <> 'row') then
        raise exception using
            errcode = 'AU002',
            constraint = 'rule_can_not_hide',
            message = case when action <> 'quarantine'
                then pg_catalog.format('rule `%s` has mode hide, and its action is %s', name, action)
                else pg_catalog.format('rule `%s` can not hide rows: it looks beyond one row by itself', name)
            end,
            hint = 'Use the action quarantine, and the mode set_aside for rules that look at other rows, at the row before or at who writes.';
    end if;
    if mostly is not null and (action <> 'flag' or class not in ('row', 'lookup')) then
        raise exception using
            errcode = 'AU002',
            constraint = 'mostly_is_about_rows_that_are_flagged',
            message = pg_catalog.format('rule `%s` can not be kept mostly', name),
            hint = 'Only a rule that flags rows can, and one that does not compare a row with what it was.';
    end if;

    select r.* into before from audit.rule r where r.table_id = watched.table_id and r.name = name and r.retired_at is null;
    if found then
        if before.kind = kind and before.definition = definition and before.condition is not distinct from condition
            and before.severity = severity and before.action = action and before.owner = owner and before.why = why
            and before.fix_within is not distinct from fix_within and before.nulls = nulls and before.on_error = on_error
            and before.mostly is not distinct from mostly and before.shadow = shadow and before.mode = mode
        then
            return before.rule_id;
        end if;
        perform audit.retire_rule(before.rule_id);
    end if;

    insert into audit.rule (
        table_id, name, kind, class, columns, definition, condition, predicate, applies, query, reads,
        severity, action, owner, why, fix_within, nulls, on_error, mostly, shadow, mode
    )
    values (
        watched.table_id, name, kind, class, columns, definition, condition,
        case when pairs then canonical end, applies, query, reads,
        severity, action, owner, why, fix_within, nulls, on_error, mostly, shadow, mode
    )
    returning rule_id into result;
    if class = 'time' then
        perform audit._try_question(result);
    end if;
    return result;
end;
$$;

comment on function audit.declare_rule(regclass, text, text, jsonb, text, text, text, text, text, interval, text, text, double precision, boolean, text) is 'Declares a rule, or a new version of one. It is checked from the next audit.compile() of the table on.';
revoke all on function audit.declare_rule(regclass, text, text, jsonb, text, text, text, text, text, interval, text, text, double precision, boolean, text) from public;
