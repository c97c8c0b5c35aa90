-- The rules of a table that can not be evaluated at present and say that no row is to be written without them.
create or replace function audit._blocking_rules(table_id integer)
    returns jsonb
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(jsonb_agg(jsonb_build_object('rule', r.name, 'error', r.broken) order by r.rule_id), '[]')
    from audit.rule r
    where r.table_id = _blocking_rules.table_id
        and r.retired_at is null
        and r.broken is not null
        and r.on_error = 'block'
        and not r.shadow;
$$;

comment on function audit._blocking_rules(integer) is 'The rules of a table that can not be evaluated at present and say that no row is to be written without them.';
revoke all on function audit._blocking_rules(integer) from public;
