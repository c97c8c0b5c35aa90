-- Takes an alert policy back. Its open alerts are resolved by the next tick.
create or replace function audit.retire_alert(alert_policy_id integer)
    returns void
    language sql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
    update audit.alert_policy p set retired_at = now() where p.alert_policy_id = retire_alert.alert_policy_id and p.retired_at is null;
$$;

comment on function audit.retire_alert(integer) is 'Takes an alert policy back. Its open alerts are resolved by the next tick.';
revoke all on function audit.retire_alert(integer) from public;
