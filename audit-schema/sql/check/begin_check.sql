-- Begins to check a watched table, or picks up a check of the same rules that was not finished. rule_names are the ones
-- that are meant; null means all in force. restart begins anew in either case. Gives the number of the check; null where there
-- is no rule to check.
create or replace function audit.begin_check(target regclass, rule_names text[] default null, restart boolean default false)
    returns bigint
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    watched audit.watched_table;
    unknown text;
    wanted integer[];
    plan jsonb;
    result bigint;
begin
    select w.* into watched from audit.watched_table w where w.relation = target and w.unwatched_at is null;
    if not found then
        raise exception using
            errcode = 'AU002',
            constraint = 'table_is_not_watched',
            message = format('%s is not watched', target),
            hint = 'Only the rules of watched tables can be checked.';
    end if;
    select n.name
    into unknown
    from unnest(rule_names) n (name)
    where not exists (select from audit.rule r where r.table_id = watched.table_id and r.name = n.name and r.retired_at is null)
    limit 1;
    if found then
        raise exception using
            errcode = 'AU002',
            constraint = 'rule_does_not_exist',
            message = format('%s has no rule `%s`', watched.name, unknown),
            hint = (
                select coalesce('Its rules are ' || string_agg(r.name, ', ' order by r.name) || '.', 'It has no rules.')
                from audit.rule r
                where r.table_id = watched.table_id and r.retired_at is null
            );
    end if;

    plan := audit._check_plan(watched.table_id, rule_names);
    if plan is null then
        return null;
    end if;
    select array_agg((r.rule ->> 'rule_id')::integer order by r.rule ->> 'rule_id') into wanted from jsonb_array_elements(plan -> 'rules') r (rule);

    -- What was begun with rules that are not in force any more will not be finished.
    delete from audit.check_run c
    where c.table_id = watched.table_id
        and c.ended_at is null
        and (restart and c.rules = wanted or exists (select from audit.rule r where r.rule_id = any (c.rules) and r.retired_at is not null));

    insert into audit.check_run (table_id, rules, plan, expected, results)
    values (
        watched.table_id, wanted, plan,
        coalesce((select c.rows from audit.table_counter c where c.table_id = watched.table_id), 0),
        audit._check_results(plan)
    )
    on conflict (table_id, rules) where ended_at is null do nothing;
    select c.check_run_id into result from audit.check_run c where c.table_id = watched.table_id and c.rules = wanted and c.ended_at is null;
    return result;
end;
$$;

comment on function audit.begin_check(regclass, text[], boolean) is 'Begins to check a watched table, or picks up a check of the same rules that was not finished.';
revoke all on function audit.begin_check(regclass, text[], boolean) from public;
