-- The time-driven rules that are to be asked at a time, those that matter most first. A rule that was last asked long after
-- that is due too, because the clock is that of a replay; one that was asked shortly after it is not, because the clocks of
-- two who tick may differ.
create or replace function audit.due_rules(clock timestamptz default now())
    returns setof integer
    language sql
    stable
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    select r.rule_id
    from audit.rule r
    join audit.watched_table w using (table_id)
    cross join lateral (select audit._ask_every(r) as every) e
    left join lateral (select max(s.checked_at) as checked_at from audit.time_rule_state s where s.rule_id = r.rule_id) s on true
    where r.class = 'time'
        and r.retired_at is null
        and w.unwatched_at is null
        and (s.checked_at is null or s.checked_at not between clock - e.every + interval '1 microsecond' and clock + e.every)
    order by array_position('{critical,important,normal,low}'::text[], r.severity), s.checked_at nulls first, r.rule_id;
$$;

comment on function audit.due_rules(timestamptz) is 'The time-driven rules that are to be asked at a time.';
revoke all on function audit.due_rules(timestamptz) from public;
