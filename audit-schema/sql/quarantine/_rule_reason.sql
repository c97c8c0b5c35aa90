-- A rule as a reason for which a row can not be released.
create or replace function audit._rule_reason(rule_id integer)
    returns jsonb
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select jsonb_build_object(
        'kind', 'rule',
        'name', r.name,
        'message', coalesce(nullif(r.why, ''), concat_ws(' ', r.kind, nullif(array_to_string(r.columns, ', '), '')))
    )
    from audit.rule r
    where r.rule_id = _rule_reason.rule_id;
$$;

comment on function audit._rule_reason(integer) is 'A rule as a reason for which a row can not be released.';
revoke all on function audit._rule_reason(integer) from public;
