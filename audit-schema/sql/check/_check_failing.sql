-- How many rows between two places fail a rule, with the keys of the first ones and three samples, added to what was found
-- before. An error that the rule raises is not caught here.
create or replace function audit._check_failing(plan jsonb, rule jsonb, result jsonb, source text, behind jsonb, upto jsonb)
    returns jsonb
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    range text := audit._check_range(plan, behind, upto);
    failing bigint;
    keys jsonb;
    samples jsonb;
begin
    -- The range comes first for certain: the rule may raise an error for a row outside of it.
    execute format(
        'select count(*), to_jsonb((array_agg(%1$s order by %2$s))[1:100]), to_jsonb((array_agg(%3$s order by %2$s))[1:3]) from %4$s audit_row where %5$s and case when %5$s then %6$s end',
        plan ->> 'key',
        plan ->> 'order',
        rule ->> 'sample', source, range, rule ->> 'fails'
    )
    into failing, keys, samples;
    if failing = 0 then
        return result;
    end if;
    return result || jsonb_build_object(
        'failing', (result ->> 'failing')::bigint + failing,
        'keys', jsonb_path_query_array((result -> 'keys') || keys, '$[0 to 99]'),
        'samples', jsonb_path_query_array((result -> 'samples') || samples, '$[0 to 2]')
    );
end;
$$;

comment on function audit._check_failing(jsonb, jsonb, jsonb, text, jsonb, jsonb) is 'How many rows between two places fail a rule, with keys and samples, added to what was found before.';
revoke all on function audit._check_failing(jsonb, jsonb, jsonb, text, jsonb, jsonb) from public;
