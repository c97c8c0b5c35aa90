-- Who may do what. `audit_owner` owns every object of the pipeline and can not log in; people and services are
-- members of the other three. Roles belong to the whole cluster, so another database may have made them already,
-- or be making them at this moment.
do $$
declare
    role_name text;
begin
    foreach role_name in array array['audit_owner', 'audit_admin', 'audit_operator', 'audit_reader'] loop
        begin
            execute format('create role %I nologin', role_name);
        exception when duplicate_object or unique_violation then
            null;
        end;
    end loop;
    -- Whoever installs the pipeline acts as its owner while doing so; a superuser may do that anyhow. From PostgreSQL
    -- 16 on, the one who made a role is its member, but may not act as it unless granted so.
    if not pg_catalog.pg_has_role(current_user, 'audit_owner',
        case when current_setting('server_version_num')::integer >= 160000 then 'set' else 'member' end)
    then
        execute format('grant audit_owner to %I', current_user);
    end if;
end;
$$;

create schema audit authorization audit_owner;
create schema audit_compiled authorization audit_owner;

-- From here on the owner itself acts: a member does not always inherit its rights.
set local role audit_owner;

comment on schema audit is 'Write-time audit and data quality: the log, the rules, the summaries, the alerts, and the functions that people call.';

comment on schema audit_compiled is 'What audit.compile() generates from the declarations: trigger functions, summaries. Nothing in it is written by hand.';

grant usage on schema audit, audit_compiled to audit_admin, audit_operator, audit_reader;
