-- The variables that the generated functions need to set rows aside or to hide them.
create or replace function audit._set_aside_variables(table_id integer)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(
        (
            select E'    hidden boolean;\n    cause text;\n    set_aside_keys text[];\n    set_aside_rows json[];\n    set_aside_rules text[];\n    restored_objects json[];\n'
                || case when w.redact || w.hash <> '{}' then E'    set_aside_ids uuid[];\n    set_aside_secrets json[];\n    restored_secrets json[];\n' else '' end
                || format(E'    restored_rows %s[];\n', w.relation)
                || string_agg(format(E'    set_aside_key_%s %s[];\n', k.position, format_type(a.atttypid, null)), '' order by k.position)
            from audit.watched_table w
            cross join unnest(w.key_columns) with ordinality k (name, position)
            join pg_attribute a on a.attrelid = w.relation and a.attname = k.name
            where w.table_id = _set_aside_variables.table_id
                and exists (select from audit._compiled_rule(w.table_id, 'new') r where r.action = 'quarantine')
            group by w.relation, w.redact, w.hash
        ),
        ''
    );
$$;

comment on function audit._set_aside_variables(integer) is 'The variables that the generated functions need to set rows aside or to hide them.';
revoke all on function audit._set_aside_variables(integer) from public;
