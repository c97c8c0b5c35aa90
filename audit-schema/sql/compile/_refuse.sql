-- The part of a generated function that fails the statement when a reject rule failed, naming every such rule.
create or replace function audit._refuse(table_id integer)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(
        (
            select format(
                E'    if refusals <> ''[]'' then\n'
                '        raise exception using errcode = ''AU001'', constraint = refusals -> 0 ->> ''rule'', schema = %1$L, table = %2$L,\n'
                '            message = format(''%%s refuses %%s of %%s rows written to %%s'', (select ''rule '' || string_agg(format(''`%%s`'', audit_refusal.value ->> ''rule''), '', '') from jsonb_array_elements(refusals) audit_refusal (value)), (select max((audit_refusal.value ->> ''rows'')::bigint) from jsonb_array_elements(refusals) audit_refusal (value)), written, %3$L),\n'
                '            detail = refusals::text,\n'
                '            hint = ''Nothing of the statement was written. Correct the rows, or ask the owner of the rule.'';\n'
                '    end if;\n',
                n.nspname, c.relname, w.name
            )
            from audit.watched_table w
            join pg_class c on c.oid = w.relation
            join pg_namespace n on n.oid = c.relnamespace
            where w.table_id = _refuse.table_id
                and exists (select from audit._compiled_rule(w.table_id, 'new') r where r.action = 'reject')
        ),
        ''
    );
$$;

comment on function audit._refuse(integer) is 'The part of a generated function that fails the statement when a reject rule failed.';
revoke all on function audit._refuse(integer) from public;
