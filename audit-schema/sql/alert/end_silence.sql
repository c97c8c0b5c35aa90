-- Ends a silence before its time. What still fires is told at the next tick.
create or replace function audit.end_silence(silence uuid, reason text default '', clock timestamptz default now())
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    update audit.silence as kept
    set ended_at = clock, ended_by = audit._person(), end_reason = end_silence.reason
    where kept.silence_id = end_silence.silence
        and kept.ended_at is null
        and kept.until_time > clock;
    if not found then
        raise exception 'there is no silence % that could be ended', silence
            using errcode = 'AU002', constraint = 'silence_is_in_force', hint = 'It may have ended already.';
    end if;
end;
$$;

comment on function audit.end_silence(uuid, text, timestamptz) is 'Ends a silence before its time.';
revoke all on function audit.end_silence(uuid, text, timestamptz) from public;
