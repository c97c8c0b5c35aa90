-- What a check has found before its first batch: nothing, for each rule of its plan.
create or replace function audit._check_results(plan jsonb)
    returns jsonb
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select jsonb_agg(
        jsonb_build_object(
            'failing', 0, 'keys', '[]'::jsonb, 'samples', '[]'::jsonb,
            'errors', 0, 'error', null, 'error_keys', '[]'::jsonb, 'given_up', false,
            'waits', r.rule ->> 'how' = 'whole'
        ) order by r.place
    )
    from jsonb_array_elements(plan -> 'rules') with ordinality r (rule, place);
$$;

comment on function audit._check_results(jsonb) is 'What a check has found before its first batch.';
revoke all on function audit._check_results(jsonb) from public;
