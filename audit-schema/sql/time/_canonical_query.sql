-- What PostgreSQL understands by a query: fully qualified, with the relations that it reads. It is parsed where it can do no
-- harm, as part of a temporary view, which may neither write nor be several statements, and with the search_path of the caller.
create or replace function audit._canonical_query(source text, out query text, out reads regclass[])
    language plpgsql
    volatile
as $$
#variable_conflict use_variable
begin
    if source ~ ';' then
        raise exception using
            errcode = 'AU002',
            constraint = 'predicate_is_not_valid',
            message = 'a query may not contain a semicolon',
            detail = source,
            hint = 'Write chr(59) where the character itself is meant.';
    end if;

    begin
        execute pg_catalog.format('create temporary view audit_probe as select * from (%s' || E'\n' || ') as audit_query', source);
        query := pg_catalog.rtrim(audit._view_definition('pg_temp.audit_probe'), ';');
        reads := array(
            select distinct d.refobjid::regclass
            from pg_catalog.pg_rewrite r
            join pg_catalog.pg_depend d on d.objid = r.oid and d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
            where r.ev_class = 'pg_temp.audit_probe'::pg_catalog.regclass
                and d.refobjid <> 'pg_temp.audit_probe'::pg_catalog.regclass
            order by 1
        );
        execute 'drop view pg_temp.audit_probe';
    exception when others then
        raise exception using
            errcode = 'AU002',
            constraint = 'predicate_is_not_valid',
            message = sqlerrm,
            detail = source,
            hint = 'It is one SELECT, whose columns have different names; each row that it gives is a failure.';
    end;
    perform audit._refuse_hidden_rows(relation) from pg_catalog.unnest(reads) relation;
end;
$$;

comment on function audit._canonical_query(text) is 'What PostgreSQL understands by a query, and the relations that it reads.';
revoke all on function audit._canonical_query(text) from public;
