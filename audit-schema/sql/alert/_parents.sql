-- The tables that a watched table refers to, as its rules of kind references say.
create or replace function audit._parents(child integer)
    returns jsonb
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(jsonb_agg(distinct rule.definition ->> 'table'), '[]')
    from audit.rule as rule
    where rule.table_id = child
        and rule.kind = 'references'
        and rule.retired_at is null;
$$;

comment on function audit._parents(integer) is 'The tables that a watched table refers to, as its rules of kind references say.';
revoke all on function audit._parents(integer) from public;
