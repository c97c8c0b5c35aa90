-- Lets an alert rest until a time. If its condition still holds then, it fires again.
create or replace function audit.snooze(alert uuid, until timestamptz, reason text default '', clock timestamptz default now())
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    moved audit.alert_transition;
begin
    if until <= clock or until is null then
        raise exception 'a snooze that ends at % is over already', until
            using errcode = 'AU002', constraint = 'snooze_ends_later', hint = 'Name a time that is to come.';
    end if;
    moved := audit._act_on_alert(alert, 'snoozed', reason, clock);

    update audit.alert as episode
    set state = 'snoozed', snoozed_until = until
    where episode.alert_id = moved.alert_id;
end;
$$;

comment on function audit.snooze(uuid, timestamptz, text, timestamptz) is 'Lets an alert rest until a time. If its condition still holds then, it fires again.';
revoke all on function audit.snooze(uuid, timestamptz, text, timestamptz) from public;
