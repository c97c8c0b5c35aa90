-- Drops what is over and older than it is kept: one step, of each kind at most so much, so that nobody waits for it. Gives how
-- much was dropped: 0 when there is nothing more, null when somebody else is at it. What is open is never dropped, and no
-- counter changes. patience lets it look again only when so much time has passed since it found nothing more; the tick calls it.
create or replace function audit.retain(clock timestamptz default now(), most integer default 5000, patience interval default '0')
    returns bigint
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set timezone = utc
    set jit = off
as $$
#variable_conflict use_variable
declare
    dropped bigint;
begin
    if (select p.retained_at > clock_timestamp() - patience from audit.progress p) then
        return 0;
    elsif not pg_try_advisory_xact_lock(hashtextextended('audit.retain', 0)) then
        return null;
    end if;
    dropped := audit._retain_changes(clock, greatest(most / 10, 1))
        + audit._retain_findings(clock, most)
        + audit._retain_quarantine(clock, most)
        + audit._retain_rejections(clock, most)
        + audit._retain_checks(clock, most)
        + audit._retain_deliveries(clock, most)
        + audit._retain_alerts(clock, most);
    if dropped = 0 then
        update audit.progress p set retained_at = clock_timestamp();
    end if;
    return dropped;
end;
$$;

comment on function audit.retain(timestamp with time zone, integer, interval) is 'Drops what is over and older than it is kept, one step at a time.';
revoke all on function audit.retain(timestamp with time zone, integer, interval) from public;
