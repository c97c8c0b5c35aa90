-- What PostgreSQL understands by an expression over the rows of a table: fully qualified, every column named as
-- audit_row.column, with the columns that it reads. It is parsed where it can do no harm, in a temporary view that is
-- dropped again, and with the search_path of the caller, so that his own functions and operators are found.
create or replace function audit._canonical(target regclass, expression text, out canonical text, out columns text[])
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
        execute format(
            'create temporary view audit_probe as select (%s' || E'\n' || ') as expression from %s as audit_row cross join (values (1)) as "audit one" ("audit one")',
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
                definition ~ '\maudit_row\.\*'
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

    canonical := (pg_catalog.regexp_match(definition, '^\s*SELECT (.*) AS expression\s+FROM .*CROSS JOIN \( ?VALUES.*$'))[1];
    columns := coalesce(columns, '{}');
end;
$$;

comment on function audit._canonical(regclass, text) is 'What PostgreSQL understands by an expression over the rows of a table, and the columns that it reads.';
revoke all on function audit._canonical(regclass, text) from public;
