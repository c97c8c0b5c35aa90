-- What PostgreSQL understands by an expression over the rows of a table: fully qualified, every column named as
-- audit_row.column, with the columns that it reads. It is parsed where it can do no harm, in a temporary view that is
-- dropped again, and with the search_path of the caller, so that his own functions and operators are found. With pairs it
-- may name columns of the row before an update, as old.column: then compares is true, and they are named audit_old.column,
-- because a trigger function has a variable of its own that is called old.
create or replace function audit._canonical(
    target regclass,
    expression text,
    pairs boolean default false,
    out canonical text,
    out columns text[],
    out compares boolean
)
    language plpgsql
    volatile
as $$
#variable_conflict use_variable
declare
    definition text;
begin
    if expression ~ ';' then
        raise exception using
            errcode = 'AU002',
            constraint = 'predicate_is_not_valid',
            message = 'an expression may not contain a semicolon',
            detail = expression,
            hint = 'Write chr(59) where the character itself is meant.';
    end if;

    begin
        execute pg_catalog.format(
            case when pairs
                -- A bare name is looked for in the inner query first, so that it means the new row.
                then 'create temporary view audit_probe as select (select (%s' || E'\n' || ') as expression from %s as audit_row cross join (values (1)) as "audit one" ("audit one")) as expression from %2$s as old'
                else 'create temporary view audit_probe as select (%s' || E'\n' || ') as expression from %s as audit_row cross join (values (1)) as "audit one" ("audit one")'
            end,
            expression, target
        );
        definition := audit._view_definition('pg_temp.audit_probe');

        select array_agg(a.attname::text order by a.attnum)
        into columns
        from pg_catalog.pg_attribute a
        where a.attrelid = target
            and a.attnum > 0
            and not a.attisdropped
            and (
                definition ~ '\m(audit_row|old)\.\*'
                or exists (
                    select
                    from pg_catalog.pg_depend d
                    join pg_catalog.pg_rewrite r on r.oid = d.objid and d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
                    where r.ev_class = 'pg_temp.audit_probe'::pg_catalog.regclass
                        and d.refobjid = target
                        and d.refobjsubid = a.attnum
                )
            );
        execute 'drop view pg_temp.audit_probe';
    exception when others then
        raise exception using
            errcode = 'AU002',
            constraint = 'predicate_is_not_valid',
            message = pg_catalog.format('%s', sqlerrm),
            detail = expression,
            hint = 'The expression is SQL over one row of the table, for example: arr_time is null or dep_time is not null';
    end;

    canonical := (pg_catalog.regexp_match(
        definition,
        case when pairs then '^\s*SELECT\s+\( SELECT\s+(.*) AS expression\s+FROM .*CROSS JOIN \( ?VALUES.*$' else '^\s*SELECT\s+(.*) AS expression\s+FROM .*CROSS JOIN \( ?VALUES.*$' end
    ))[1];
    compares := false;
    if pairs then
        select pg_catalog.string_agg(case when t.is_old then 'audit_old' else t.token end, '' order by t.position), pg_catalog.bool_or(t.is_old)
        into canonical, compares
        from (
            select
                m.match[1] as token,
                m.position,
                -- PostgreSQL may number the name: a view of version 15 has an old of its own.
                m.match[1] = (pg_catalog.regexp_match(definition, '(\w+)\s*;?\s*$'))[1]
                    and pg_catalog.lead(m.match[1]) over (order by m.position) = '.'
                    and pg_catalog.lag(m.match[1]) over (order by m.position) is distinct from '.'
                    -- A function of a schema that is called old.
                    and pg_catalog.lead(m.match[1], 3) over (order by m.position) is distinct from '(' as is_old
            -- Texts and quoted names are one token each.
            from pg_catalog.regexp_matches(canonical, '(''(?:[^'']|'''')*''|"(?:[^"]|"")*"|\w+|.)', 'gs') with ordinality m (match, position)
        ) t;
    end if;
    columns := coalesce(columns, '{}');
end;
$$;

comment on function audit._canonical(regclass, text, boolean) is 'What PostgreSQL understands by an expression over the rows of a table, and the columns that it reads.';
revoke all on function audit._canonical(regclass, text, boolean) from public;
