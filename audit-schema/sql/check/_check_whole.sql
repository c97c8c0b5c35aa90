-- The part of a check that follows when every row was read: rules that no index serves are asked of the whole table, one
-- statement and one step each. Then the check has ended.
create or replace function audit._check_whole(plan jsonb, progress jsonb)
    returns jsonb
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    rule record;
    result jsonb;
    failing bigint;
    keys jsonb;
    samples jsonb;
    problem text;
begin
    select r.rule, (r.place - 1)::integer as place
    into rule
    from jsonb_array_elements(plan -> 'rules') with ordinality r (rule, place)
    where r.rule ->> 'how' = 'whole'
        and (progress -> 'results' -> (r.place - 1)::integer ->> 'waits')::boolean
    order by r.place
    limit 1;
    if not found then
        return progress || '{"ended": true}';
    end if;

    result := progress -> 'results' -> rule.place;
    begin
        execute rule.rule ->> 'statement' into failing, keys, samples;
        result := result || jsonb_build_object('failing', failing, 'keys', coalesce(keys, '[]'), 'samples', coalesce(samples, '[]'));
    exception
        when query_canceled or lock_not_available or deadlock_detected then
            raise;
        when others then
            problem := case when (plan ->> 'hidden')::boolean then audit._unsaid(sqlstate) else sqlerrm end;
            result := result || jsonb_build_object('errors', 1, 'error', problem, 'given_up', true);
    end;
    return progress
        || jsonb_build_object(
            'results', jsonb_set(progress -> 'results', array[rule.place::text], result || '{"waits": false}'),
            'batches', (progress ->> 'batches')::bigint + 1
        );
end;
$$;

comment on function audit._check_whole(jsonb, jsonb) is 'The part of a check that follows when every row was read: rules that no index serves.';
revoke all on function audit._check_whole(jsonb, jsonb) from public;
