-- A template with each {name} replaced by its value, in one pass: a value is never searched for names again.
create or replace function audit._filled(template text, "values" jsonb)
    returns text
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select string_agg(
        case
            when part.name is not null and "values" ? part.name then coalesce("values" ->> part.name, '')
            else part.whole
        end,
        '' order by part.position
    )
    from (
        select m.match[1] as whole, substring(m.match[1] from '^\{([a-z_]+)\}$') as name, m.position
        from regexp_matches(template, '(\{[a-z_]+\}|[^{]+|\{)', 'g') with ordinality m (match, position)
    ) part;
$$;

comment on function audit._filled(text, jsonb) is 'A template with each {name} replaced by its value, in one pass.';
revoke all on function audit._filled(text, jsonb) from public;
