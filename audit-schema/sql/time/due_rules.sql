-- The time-driven rules that are to be asked at a time, those that matter most first. A rule that was last asked later than
-- that is due too: the clock is that of a replay.
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
    left join lateral (select max(s.checked_at) as checked_at from audit.time_rule_state s where s.rule_id = r.rule_id) s on true
    where r.class = 'time'
        and r.retired_at is null
        and w.unwatched_at is null
        and (s.checked_at is null or s.checked_at > clock or s.checked_at <= clock - audit._ask_every(r))
    order by array_position('{critical,important,normal,low}'::text[], r.severity), s.checked_at nulls first, r.rule_id;
$$;

comment on function audit.due_rules(timestamptz) is 'The time-driven rules that are to be asked at a time.';
revoke all on function audit.due_rules(timestamptz) from public;
