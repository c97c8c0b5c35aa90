-- Declares a summary, or a new version of one. Its view is there after audit.compile() has run for the table; a summary
-- that is declared again unchanged stays as it is. Runs with the rights and the search_path of the caller.
create or replace function audit.declare_summary(target regclass, name text, definition jsonb)
    returns integer
    language plpgsql
    volatile
as $$
#variable_conflict use_variable
declare
    watched_id integer;
    before audit.summary;
    checked jsonb := '[]';
    columns text[] := '{}';
    part record;
    sql text;
    canonical record;
    typed record;
    missing text;
    result integer;
begin
    select w.table_id into watched_id from audit.watched_table w where w.relation = target and w.unwatched_at is null;
    if not found then
        raise exception using
            errcode = 'AU002',
            constraint = 'table_is_not_watched',
            message = pg_catalog.format('%s is not watched', target),
            hint = pg_catalog.format('Call audit.watch(%L) first.', target);
    end if;

    if pg_catalog.octet_length(name) > 50 then
        raise exception using
            errcode = 'AU002',
            constraint = 'summary_name_is_too_long',
            message = pg_catalog.format('the name of summary `%s` is longer than 50 bytes', name);
    end if;

    if name ~ '_base$|_values_[0-9]+$|^summary_[0-9]+_' then
        raise exception using
            errcode = 'AU002',
            constraint = 'summary_name_is_taken',
            message = pg_catalog.format('`%s` can not be the name of a summary: generated tables have such names', name);
    end if;

    if definition ->> 'retain' is not null and pg_catalog.jsonb_typeof(definition -> 'bucket') is distinct from 'object' then
        raise exception using
            errcode = 'AU002',
            constraint = 'only_buckets_grow_old',
            message = pg_catalog.format('the summary `%s` has no bucket, so nothing of it grows old', name);
    end if;

    missing := definition -> 'bucket' ->> 'column';
    if missing is not null and not exists (
        select from pg_catalog.pg_attribute a where a.attrelid = target and a.attname = missing and a.attnum > 0 and not a.attisdropped
    ) then
        raise exception using
            errcode = 'AU002',
            constraint = 'column_does_not_exist',
            column = missing,
            message = pg_catalog.format('table %s has no column `%s`', target, missing);
    end if;

    -- Every expression is stored as PostgreSQL understood it, beside what was declared.
    for part in
        select 'bucket' as role, 'bucket' as name, audit._bucket(target, definition -> 'bucket') as expression, null::jsonb as reference, 0 as position
        where pg_catalog.jsonb_typeof(definition -> 'bucket') = 'object'
        union all
        select 'group', g.value ->> 'name', g.value ->> 'expression', g.value -> 'reference', g.position::integer
        from pg_catalog.jsonb_array_elements(coalesce(definition -> 'group_by', '[]')) with ordinality g (value, position)
        union all
        select m.value ->> 'function', m.value ->> 'name', m.value ->> 'expression', null, 1000 + m.position::integer
        from pg_catalog.jsonb_array_elements(definition -> 'measures') with ordinality m (value, position)
        union all
        select 'where', 'where', definition ->> 'where', null, 10000
        where definition ->> 'where' is not null
        order by 5
    loop
        if part.expression is null then
            checked := checked || pg_catalog.jsonb_build_object('role', part.role, 'name', part.name);
            continue;
        end if;
        sql := case when part.role in ('where', 'count_if') then pg_catalog.format('(%s' || E'\n' || ') is true', part.expression) else part.expression end;
        select c.canonical, c.columns into canonical from audit._canonical(target, sql) c;
        select t.type, t.category into typed from audit._expression_type(target, canonical.canonical) t;
        if part.role <> 'bucket' then
            perform audit._refuse_unstable(target, canonical.canonical, sql);
        end if;
        if part.role in ('sum', 'avg', 'stddev') and typed.category <> 'N' or part.role in ('min', 'max') and not audit._has_ends(typed.type) then
            raise exception using
                errcode = 'AU002',
                constraint = 'predicate_is_not_valid',
                message = pg_catalog.format('there is no %s of values of the type %s', part.role, typed.type),
                detail = sql;
        end if;
        checked := checked || pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
            'role', part.role,
            'name', part.name,
            'expression', case when part.role in ('sum', 'avg', 'stddev') then pg_catalog.format('(%s)::numeric', canonical.canonical) else canonical.canonical end,
            'type', typed.type,
            'reference', audit._reference(watched_id, part.expression, part.reference)
        ));
        columns := columns || canonical.columns;
    end loop;
    missing := (select c from pg_catalog.unnest(columns) c where c not in (select l.name from audit._log_column(target, 'known') l) limit 1);
    if missing is not null then
        raise exception using
            errcode = 'AU002',
            constraint = 'column_is_not_logged',
            column = missing,
            message = pg_catalog.format('the values of the column `%s` are not in the log, so they can not be summed up', missing),
            hint = 'A column that is redacted, hashed or computed when it is read can be in no summary.';
    end if;

    select s.* into before from audit.summary s where s.name = name and s.retired_at is null;
    if found then
        if before.table_id = watched_id and before.definition - 'checked' - 'columns' = definition then
            return before.summary_id;
        end if;
        -- What stands under the name goes on until audit.compile() puts this version in its place.
        if before.table_id = watched_id then
            update audit.summary s set retired_at = pg_catalog.now() where s.summary_id = before.summary_id;
        else
            perform audit.retire_summary(before.summary_id);
        end if;
    end if;
    insert into audit.summary (table_id, name, definition)
    values (
        watched_id,
        name,
        definition || pg_catalog.jsonb_build_object(
            'checked', checked,
            'columns', (select coalesce(pg_catalog.to_jsonb(pg_catalog.array_agg(distinct c)), '[]') from pg_catalog.unnest(columns) c)
        )
    )
    returning summary_id into result;
    return result;
end;
$$;

comment on function audit.declare_summary(regclass, text, jsonb) is 'Declares a summary, or a new version of one. Its view is there after the next audit.compile() of the table.';
revoke all on function audit.declare_summary(regclass, text, jsonb) from public;
