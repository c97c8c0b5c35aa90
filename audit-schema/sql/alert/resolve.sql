-- Says that an alert is over, and tells everybody who was told of it. It stays resolved, whether or not its condition holds,
-- until the condition has ended once.
create or replace function audit.resolve(alert uuid, reason text default '', clock timestamptz default now())
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    moved audit.alert_transition := audit._act_on_alert(alert, 'resolved', reason, clock);
    known boolean;
begin
    update audit.alert as episode
    set state = 'resolved',
        resolved_at = moved.at,
        stays_resolved = true,
        clear_since = null,
        snoozed_until = null,
        muted = null
    where episode.alert_id = moved.alert_id
    returning episode.notified_at is not null and moved.from_state <> 'pending' into known;

    if known then
        perform audit._enqueue(
            jsonb_build_array(jsonb_build_object('alert_id', moved.alert_id, 'transition_id', moved.alert_transition_id, 'kind', 'resolved')),
            clock
        );
    end if;
end;
$$;

comment on function audit.resolve(uuid, text, timestamptz) is 'Says that an alert is over. It stays resolved until its condition has ended once.';
revoke all on function audit.resolve(uuid, text, timestamptz) from public;
