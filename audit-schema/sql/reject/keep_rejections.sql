-- Names the foreign server through which the evidence of rejections is kept; null ends it. The server leads back to this
-- database, as a role that may call audit.record_rejection(); its password, if any, is in the user mapping of audit_owner.
create or replace function audit.keep_rejections(server text)
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
    if server is null then
        delete from audit.setting s where s.name = 'rejection_server';
        return;
    end if;
    if not exists (select from pg_foreign_server f where f.srvname = server and has_server_privilege(f.oid, 'usage')) then
        raise exception using
            errcode = 'AU002',
            constraint = 'server_can_not_be_used',
            message = format('there is no foreign server "%s" that audit_owner may use', server),
            hint = format('create server %1$I foreign data wrapper dblink_fdw options (dbname %2$L, connect_timeout ''2''); grant usage on foreign server %1$I to audit_owner; create user mapping for audit_owner server %1$I options (user …, password …)', server, current_database());
    end if;
    insert into audit.setting as s (name, value) values ('rejection_server', server)
    on conflict on constraint setting_pkey do update set value = excluded.value, set_at = now(), set_by = session_user;
end;
$$;

comment on function audit.keep_rejections(text) is 'Names the foreign server through which the evidence of rejections is kept; null ends it.';
revoke all on function audit.keep_rejections(text) from public;
