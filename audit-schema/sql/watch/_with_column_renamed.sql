-- A stored predicate with one column renamed. Strings and other names are tokens of their own, and stay as they are.
create or replace function audit._with_column_renamed(predicate text, old_name text, new_name text)
    returns text
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select string_agg(
        case
            when t.token[1] in ('audit_row.' || quote_ident(old_name), 'audit_old.' || quote_ident(old_name)) then left(t.token[1], 10) || quote_ident(new_name)
            else t.token[1]
        end,
        '' order by t.position
    )
    from regexp_matches(predicate, '(audit_(?:row|old)\.(?:"(?:[^"]|"")*"|[a-z_][a-z0-9_$]*)|''(?:[^'']|'''')*''|"(?:[^"]|"")*"|[a-z0-9_$]+|.)', 'g') with ordinality t (token, position);
$$;

comment on function audit._with_column_renamed(text, text, text) is 'A stored predicate with one column renamed.';
revoke all on function audit._with_column_renamed(text, text, text) from public;
