-- Whether the predicate or the condition of a rule, as PostgreSQL wrote them down, names an object: fully qualified, or
-- without its schema where that is pg_catalog.
create or replace function audit._mentions(rule audit.rule, object_identity text)
    returns boolean
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select position(regexp_replace(object_identity, '^pg_catalog\.', '') in concat_ws(' ', rule.predicate, rule.applies)) > 0;
$$;

comment on function audit._mentions(audit.rule, text) is 'Whether the predicate or the condition of a rule names an object.';
revoke all on function audit._mentions(audit.rule, text) from public;
