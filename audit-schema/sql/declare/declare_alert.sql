-- Declares an alert policy, or a new version of one. Open alerts go on under the new version; a policy that is declared
-- again unchanged stays as it is.
create or replace function audit.declare_alert(name text, definition jsonb, owner text default '')
    returns integer
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    summary integer;
    before audit.alert_policy;
    result integer;
begin
    if definition ->> 'on' not in ('rules', 'findings', 'overdue') then
        select s.summary_id into summary from audit.summary s where s.name = definition ->> 'on' and s.retired_at is null;
        if not found then
            raise exception using
                errcode = 'AU002',
                constraint = 'alert_policy_names_a_summary',
                message = format('there is no summary `%s`', definition ->> 'on');
        end if;
    end if;
    perform audit._check_alert(definition, summary);

    select p.* into before from audit.alert_policy p where p.name = name and p.retired_at is null;
    if found then
        if before.definition = definition and before.owner = owner then
            return before.alert_policy_id;
        end if;
        perform audit.retire_alert(before.alert_policy_id);
    end if;
    insert into audit.alert_policy (name, definition, owner)
    values (name, definition, owner)
    returning alert_policy_id into result;
    return result;
end;
$$;

comment on function audit.declare_alert(text, jsonb, text) is 'Declares an alert policy, or a new version of one.';
revoke all on function audit.declare_alert(text, jsonb, text) from public;
