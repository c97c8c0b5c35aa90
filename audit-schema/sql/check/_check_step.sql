-- Checks the next batch of rows, and gives back the progress with what was found added to it. All rules are evaluated in
-- one reading of the batch; only what fails is read again for keys and samples, and only until there are enough of them.
-- When every row was read, the rules that need a statement over the whole table follow, one a step.
create or replace function audit._check_step(plan jsonb, progress jsonb, most integer)
    returns jsonb
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
    set datestyle = iso, ymd
    set timezone = utc
    set intervalstyle = postgres
    set extra_float_digits = 1
    set bytea_output = hex
    -- A statement that lasts a tenth of a second does not repay being compiled, nor spread over other cores.
    set jit = off
    set max_parallel_workers_per_gather = 0
as $$
#variable_conflict use_variable
declare
    batch record;
    results jsonb := progress -> 'results';
    result jsonb;
    rule record;
    together integer[];
    failing bigint[];
    rows bigint;
begin
    select n.* into batch from audit._check_next(plan, progress -> 'position', most) n;
    if batch.next_place is null then
        return audit._check_whole(plan, progress);
    end if;

    select array_agg(r.place::integer order by r.place)
    into together
    from jsonb_array_elements(plan -> 'rules') with ordinality r (rule, place)
    where r.rule ->> 'how' = 'row'
        and (results -> (r.place - 1)::integer ->> 'errors')::bigint = 0;
    begin
        execute format(
            'select count(*), array[%s]::bigint[] from %s audit_row where %s',
            (
                select string_agg(format('count(*) filter (where %s)', plan -> 'rules' -> (t.place - 1) ->> 'fails'), ', ' order by t.place)
                from unnest(together) t (place)
            ),
            batch.source, audit._check_range(plan, batch.behind, batch.upto)
        )
        into rows, failing;
    exception
        when query_canceled or lock_not_available or deadlock_detected then
            raise;
        when others then
            -- Some rule raises an error for some row: each is evaluated by itself.
            failing := null;
            execute format('select count(*) from %s audit_row where %s', batch.source, audit._check_range(plan, batch.behind, batch.upto))
            into rows;
    end;

    for rule in
        select r.rule, (r.place - 1)::integer as place, failing[array_position(together, r.place::integer)] as failing
        from jsonb_array_elements(plan -> 'rules') with ordinality r (rule, place)
        where r.rule ->> 'how' = 'row'
        order by r.place
    loop
        result := results -> rule.place;
        continue when rule.failing = 0 or (result ->> 'given_up')::boolean;
        if rule.failing > 0 and jsonb_array_length(result -> 'keys') >= 100 then
            result := result || jsonb_build_object('failing', (result ->> 'failing')::bigint + rule.failing);
        else
            result := audit._check_rule(plan, rule.rule, result, batch.source, batch.behind, batch.upto);
        end if;
        results := jsonb_set(results, array[rule.place::text], result);
    end loop;

    return progress || jsonb_build_object(
        'position', batch.next_place,
        'rows', (progress ->> 'rows')::bigint + rows,
        'batches', (progress ->> 'batches')::bigint + 1,
        'results', results
    );
end;
$$;

comment on function audit._check_step(jsonb, jsonb, integer) is 'Checks the next batch of rows, and gives back the progress with what was found added to it.';
revoke all on function audit._check_step(jsonb, jsonb, integer) from public;
