-- Ends a silence that was declared, also one that is over by itself. What still fires is told at the next tick.
create or replace function audit.retire_silence(silence uuid, clock timestamptz default now())
    returns void
    language sql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    update audit.silence as kept
    set ended_at = least(clock, kept.until_time), ended_by = audit._person(), end_reason = 'no longer declared so'
    where kept.silence_id = retire_silence.silence
        and kept.name is not null
        and kept.ended_at is null;
$$;

comment on function audit.retire_silence(uuid, timestamptz) is 'Ends a silence that was declared, also one that is over by itself.';
revoke all on function audit.retire_silence(uuid, timestamptz) from public;
