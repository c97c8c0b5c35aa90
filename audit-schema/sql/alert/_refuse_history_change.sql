-- Refuses to change what has happened: transitions of alerts and of time-driven rules, attempts to deliver and what was done in quarantine are
-- only ever added. Retention drops what is too old.
create or replace function audit._refuse_history_change()
    returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    stack text;
begin
    get diagnostics stack = pg_context;
    if position('audit.retain(' in replace(stack, '"', '')) > 0 then
        return null;
    end if;
    raise exception 'the history in %.% is append-only', tg_table_schema, tg_table_name
        using errcode = 'AU003',
            constraint = 'history_is_append_only',
            hint = 'Rows of this table may be added, and leave it by retention only.';
end;
$$;

comment on function audit._refuse_history_change() is 'Refuses to change what has happened.';
revoke all on function audit._refuse_history_change() from public;

create or replace trigger audit_append_only
    before update or delete or truncate on audit.alert_transition
    for each statement execute function audit._refuse_history_change();
comment on trigger audit_append_only on audit.alert_transition is 'Transitions are only ever added.';

create or replace trigger audit_append_only
    before update or delete or truncate on audit.delivery_attempt
    for each statement execute function audit._refuse_history_change();
comment on trigger audit_append_only on audit.delivery_attempt is 'Attempts are only ever added.';

create or replace trigger audit_append_only
    before update or delete or truncate on audit.quarantine_event
    for each statement execute function audit._refuse_history_change();
comment on trigger audit_append_only on audit.quarantine_event is 'Events are only ever added.';

create or replace trigger audit_append_only
    before update or delete or truncate on audit.time_rule_transition
    for each statement execute function audit._refuse_history_change();
comment on trigger audit_append_only on audit.time_rule_transition is 'Transitions are only ever added.';
