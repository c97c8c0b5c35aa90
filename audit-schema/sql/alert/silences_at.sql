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
        'until', silence.until_time,
        'reason', silence.reason,
        'author', silence.author
    )
    from audit.silence as silence
    where silence.from_time <= clock
        and silence.until_time > clock
        and silence.ended_at is null
    order by silence.until_time desc, silence.silence_id;
$$;

comment on function audit.silences_at(timestamptz) is 'The silences that are in force at a time.';
revoke all on function audit.silences_at(timestamptz) from public;
