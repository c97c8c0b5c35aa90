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
    on_error text default 'pass'
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
    checked record;
    applies text;
    referenced regclass;
    missing text;
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
        select pg_catalog.jsonb_array_elements_text(definition -> 'columns')
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

    if kind = 'references' then
        referenced := pg_catalog.to_regclass(definition ->> 'table');
        if referenced is null then
            raise exception using
                errcode = 'AU002',
                constraint = 'referenced_table_does_not_exist',
                message = pg_catalog.format('rule `%s` refers to table `%s`, which does not exist', name, definition ->> 'table'),
                hint = 'Write the table as schema.table.';
        end if;
        perform audit._refuse_hidden_rows(referenced);
        source := pg_catalog.format(
            'exists (select from %s audit_referenced where audit_referenced.%I = audit_row.%I)',
            referenced, definition ->> 'key', definition ->> 'column'
        );
    elsif kind = 'unique' then
        -- A row with a null in it is never a duplicate, and a condition would have to hold for both rows.
        if condition is not null or nulls = 'fail' then
            raise exception using
                errcode = 'AU002',
                constraint = 'unique_is_about_all_rows',
                message = pg_catalog.format('rule `%s` is unique, and can have neither a condition nor nulls: fail', name),
                hint = 'Leave `where` and `nulls` out.';
        end if;
        source := 'true';
    elsif kind = 'matches' then
        -- A pattern is only parsed when it is used.
        begin
            perform '' ~ (definition ->> 'pattern');
        exception when others then
            raise exception using
                errcode = 'AU002', constraint = 'predicate_is_not_valid', message = sqlerrm, detail = definition ->> 'pattern';
        end;
        source := audit._predicate(kind, definition);
    else
        source := audit._predicate(kind, definition);
    end if;

    select c.canonical, c.columns into checked from audit._canonical(target, source) c;
    -- The view accepts any type; a predicate is a condition.
    perform audit._canonical(target, pg_catalog.format('(%s' || E'\n' || ') is false', source));
    if kind = 'unique' then
        checked.columns := array(select pg_catalog.jsonb_array_elements_text(definition -> 'columns'));
    end if;
    if condition is not null then
        select c.canonical into applies from audit._canonical(target, pg_catalog.format('(%s' || E'\n' || ') is true', condition)) c;
    end if;

    select r.* into before from audit.rule r where r.table_id = watched.table_id and r.name = name and r.retired_at is null;
    if found then
        if before.kind = kind and before.definition = definition and before.condition is not distinct from condition
            and before.severity = severity and before.action = action and before.owner = owner and before.why = why
            and before.fix_within is not distinct from fix_within and before.nulls = nulls and before.on_error = on_error
        then
            return before.rule_id;
        end if;
        perform audit.retire_rule(before.rule_id);
    end if;

    insert into audit.rule (
        table_id, name, kind, columns, definition, condition, predicate, applies,
        severity, action, owner, why, fix_within, nulls, on_error
    )
    values (
        watched.table_id, name, kind, checked.columns, definition, condition,
        case when kind not in ('references', 'unique') then checked.canonical end, applies,
        severity, action, owner, why, fix_within, nulls, on_error
    )
    returning rule_id into result;
    return result;
end;
$$;

comment on function audit.declare_rule(regclass, text, text, jsonb, text, text, text, text, text, interval, text, text) is 'Declares a rule, or a new version of one. It is checked from the next audit.compile() of the table on.';
revoke all on function audit.declare_rule(regclass, text, text, jsonb, text, text, text, text, text, interval, text, text) from public;
