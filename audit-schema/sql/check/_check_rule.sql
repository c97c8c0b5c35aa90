-- Checks one rule by itself on the rows between two places, and adds to what was found before. If it raises an error, the
-- rows are halved until those are found for which it does; they are counted as errors, and the others are checked all the
-- same. A rule that did so for a hundred rows can not be evaluated, and is given up.
create or replace function audit._check_rule(plan jsonb, rule jsonb, result jsonb, source text, behind jsonb, upto jsonb)
    returns jsonb
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    places jsonb[];
    keys text[];
    lows integer[] := '{1}';
    highs integer[];
    low integer;
    high integer;
    problem text;
begin
    begin
        return audit._check_failing(plan, rule, result, source, behind, upto);
    exception
        when query_canceled or lock_not_available or deadlock_detected then
            raise;
        when others then
            null;
    end;

    execute format(
        'select array_agg(%1$s order by %2$s), array_agg(%3$s order by %2$s) from %4$s audit_row where %5$s',
        plan ->> 'place', plan ->> 'order', plan ->> 'key', source, audit._check_range(plan, behind, upto)
    )
    into places, keys;

    highs := array[cardinality(places)];
    while cardinality(lows) > 0 and highs[1] is not null loop
        low := lows[cardinality(lows)];
        high := highs[cardinality(highs)];
        lows := trim_array(lows, 1);
        highs := trim_array(highs, 1);
        begin
            result := audit._check_failing(plan, rule, result, source, case when low = 1 then behind else places[low - 1] end, places[high]);
        exception
            when query_canceled or lock_not_available or deadlock_detected then
                raise;
            when others then
                problem := case when (plan ->> 'hidden')::boolean then audit._unsaid(sqlstate) else sqlerrm end;
                if low < high then
                    lows := lows || array[(low + high) / 2 + 1, low];
                    highs := highs || array[high, (low + high) / 2];
                else
                    result := result || jsonb_build_object(
                        'errors', (result ->> 'errors')::bigint + 1,
                        'error', coalesce(result ->> 'error', problem),
                        'error_keys', (result -> 'error_keys') || to_jsonb(keys[low]),
                        'given_up', (result ->> 'errors')::bigint + 1 >= 100
                    );
                    exit when (result ->> 'given_up')::boolean;
                end if;
        end;
    end loop;
    return result;
end;
$$;

comment on function audit._check_rule(jsonb, jsonb, jsonb, text, jsonb, jsonb) is 'Checks one rule by itself on the rows between two places; rows for which it raises an error are found and counted.';
revoke all on function audit._check_rule(jsonb, jsonb, jsonb, text, jsonb, jsonb) from public;
