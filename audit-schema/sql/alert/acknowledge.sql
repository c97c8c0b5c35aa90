-- Takes an alert on: it stays open, and nobody is reminded of it any more.
create or replace function audit.acknowledge(alert uuid, reason text default '', clock timestamptz default now())
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    moved audit.alert_transition := audit._act_on_alert(alert, 'acknowledged', reason, clock);
begin
    update audit.alert as episode
    set state = 'acknowledged', acknowledged_at = moved.at, acknowledged_by = moved.actor, snoozed_until = null
    where episode.alert_id = moved.alert_id;

    perform audit._tell_acknowledged(moved);
end;
$$;

comment on function audit.acknowledge(uuid, text, timestamptz) is 'Takes an alert on: it stays open, and nobody is reminded of it any more.';
revoke all on function audit.acknowledge(uuid, text, timestamptz) from public;
