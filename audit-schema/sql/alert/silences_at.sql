-- The silences that are in force at a time, the one that lasts longest first.
create or replace function audit.silences_at(clock timestamptz)
    returns setof jsonb
    language sql
    stable
    security definer
    set search_path = pg_catalog, pg_temp
    set timezone = utc
as $$
    select jsonb_build_object(
        'matchers', silence.matchers,
        'until', least(silence.until_time, term.ends),
        'reason', silence.reason,
        'author', silence.author
    )
    from audit.silence as silence
    cross join lateral (
        select case when silence.hours is null then silence.until_time else clock + audit._hours_left(silence.hours, clock) end as ends
    ) as term
    where silence.from_time <= clock
        and silence.until_time > clock
        and silence.ended_at is null
        and term.ends > clock
    order by least(silence.until_time, term.ends) desc, silence.silence_id;
$$;

comment on function audit.silences_at(timestamptz) is 'The silences that are in force at a time.';
revoke all on function audit.silences_at(timestamptz) from public;
