-- What taking an alert on, snoozing and resolving it have in common: the alert must be open, and its history says who moved
-- it, and why. A tick that is under way has read its episodes and would write over what a person does, so this waits for it.
create or replace function audit._act_on_alert(alert uuid, to_state text, reason text, clock timestamptz)
    returns audit.alert_transition
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    episode audit.alert;
    result audit.alert_transition;
begin
    perform audit._lock_episodes();
    select found.* into episode
    from audit.alert as found
    where found.alert_id = alert
    for update;

    if episode.state is null or episode.state = 'resolved' then
        raise exception 'alert % is %, and can not be %', alert, coalesce(episode.state, 'unknown'), to_state
            using errcode = 'AU002', constraint = to_state || '_alert_is_open',
                hint = format('Only an open alert can be %s.', to_state);
    end if;

    insert into audit.alert_transition (alert_id, from_state, to_state, at, actor, reason, title, observed)
    values (alert, episode.state, to_state, clock, audit._person(), coalesce(reason, ''), episode.title, episode.observed)
    returning * into result;
    return result;
end;
$$;

comment on function audit._act_on_alert(uuid, text, text, timestamptz) is 'Writes down that a person moves an open alert to a state.';
revoke all on function audit._act_on_alert(uuid, text, text, timestamptz) from public;
