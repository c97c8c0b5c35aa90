-- What an observation is about, by name: the table and the rule.
create or replace function audit._names(seen jsonb)
    returns jsonb
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select jsonb_build_object(
        'table', (select watched.name from audit.watched_table as watched where watched.table_id = (seen ->> 'table_id')::integer),
        'rule', (select rule.name from audit.rule as rule where rule.rule_id = (seen ->> 'rule_id')::integer)
    );
$$;

comment on function audit._names(jsonb) is 'What an observation is about, by name: the table and the rule.';
revoke all on function audit._names(jsonb) from public;
