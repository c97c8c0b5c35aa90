-- What weakens the pipeline: who could write its log, what silences its triggers, what keeps it from following.
create or replace function audit._doctor_trust()
    returns table (severity text, remark text, object text, what text, todo text)
    language sql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    with home as (
        select n.oid, n.nspname, n.nspowner, n.nspacl from pg_namespace n where n.nspname in ('audit', 'audit_compiled')
    ), object (kind, name, owner) as (
        select 'schema', h.nspname::text, h.nspowner from home h
        union all
        select 'table', c.oid::regclass::text, c.relowner from pg_class c join home h on h.oid = c.relnamespace where c.relkind in ('r', 'p', 'v')
        union all
        select 'function', p.oid::regprocedure::text, p.proowner from pg_proc p join home h on h.oid = p.pronamespace
    ), event_trigger (name) as (
        values ('audit_recompile_after_ddl'), ('audit_forget_after_drop')
    )
    select 'critical', 'owner_changed', o.name, format('it belongs to %s', o.owner::regrole),
        format('alter %s %s owner to audit_owner', case o.kind when 'function' then 'routine' else o.kind end, o.name)
    from object o
    where o.owner <> 'audit_owner'::regrole
    union all
    select 'critical', 'owner_has_attributes', 'audit_owner',
        'the role that owns the pipeline may log in, or more',
        'alter role audit_owner nologin nosuperuser nocreaterole nocreatedb noreplication'
    from pg_roles r
    where r.rolname = 'audit_owner' and (r.rolcanlogin or r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolreplication)
    union all
    select 'critical', 'schema_open', h.nspname, format('%s may create objects in it', coalesce(nullif(a.grantee::regrole::text, '-'), 'everybody')),
        format('revoke create on schema %I from %s', h.nspname, coalesce(nullif(a.grantee::regrole::text, '-'), 'public'))
    from home h
    cross join lateral aclexplode(h.nspacl) a
    where a.privilege_type = 'CREATE' and a.grantee <> h.nspowner
    union all
    select 'critical', 'log_writable', c.oid::regclass::text,
        format('%s may %s it', coalesce(nullif(a.grantee::regrole::text, '-'), 'everybody'), lower(string_agg(a.privilege_type, ', ' order by a.privilege_type))),
        format('revoke insert, update, delete, truncate, trigger on %s from %s', c.oid::regclass, coalesce(nullif(a.grantee::regrole::text, '-'), 'public'))
    from pg_class c
    cross join lateral aclexplode(c.relacl) a
    where c.relnamespace = 'audit'::regnamespace
        and (c.relname in ('change', 'finding', 'rejection', 'schema_drift', 'quarantine', 'dropped_segment') or c.oid in (select p.relid from pg_partition_tree('audit.segment') p))
        and a.privilege_type in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER')
        and a.grantee <> c.relowner
    group by c.oid, a.grantee
    union all
    select 'critical', 'triggers_bypassed',
        concat_ws(' in ', coalesce('role ' || nullif(s.setrole, 0)::regrole, 'every role'), 'database ' || d.datname),
        'its sessions begin with session_replication_role = replica, which silences the triggers',
        'reset it: alter role … reset session_replication_role, or alter database …'
    from pg_db_role_setting s
    left join pg_database d on d.oid = s.setdatabase
    where s.setdatabase in (0, (select b.oid from pg_database b where b.datname = current_database()))
        and exists (select from unnest(s.setconfig) c where c = 'session_replication_role=replica')
    union all
    select 'critical', 'triggers_bypassed', 'this session', 'session_replication_role is replica, which silences the triggers',
        'reset session_replication_role, and look at postgresql.conf if it is set there'
    where current_setting('session_replication_role') = 'replica'
    union all
    select 'normal', 'context_preset',
        concat_ws(' in ', coalesce('role ' || nullif(s.setrole, 0)::regrole, 'every role'), 'database ' || d.datname),
        format('%s is preset, so the log names it for writers who said nothing', split_part(c.value, '=', 1)),
        'reset it: applications set the context in each transaction'
    from pg_db_role_setting s
    left join pg_database d on d.oid = s.setdatabase
    cross join unnest(s.setconfig) c (value)
    where s.setdatabase in (0, (select b.oid from pg_database b where b.datname = current_database()))
        and c.value ~ '^audit\.'
    union all
    select 'important', 'event_trigger_missing', t.name,
        case when e.evtname is null then 'there is no such event trigger: DDL on watched tables is not followed' else 'the event trigger is disabled: DDL on watched tables is not followed' end,
        case when e.evtname is null then 'run audit migrate as a superuser; until then, call audit.compile() after DDL' else format('alter event trigger %I enable', t.name) end
    from event_trigger t
    left join pg_event_trigger e on e.evtname = t.name
    where e.evtname is null or e.evtenabled not in ('O', 'A')
    union all
    select 'normal', 'evidence_not_kept', 'log_min_messages',
        'the server writes no line about rejected statements, and there is no second connection',
        'set log_min_messages to error or lower, or name a server with audit.keep_rejections()'
    where current_setting('log_min_messages') in ('fatal', 'panic')
        and not exists (select from audit.setting s where s.name = 'rejection_server')
        and exists (select from audit.rule r where r.retired_at is null and r.action = 'reject')
    union all
    select 'important', 'second_connection_broken', format('server %s', s.value), n.what, n.todo
    from audit.setting s
    left join pg_foreign_server f on f.srvname = s.value
    left join pg_extension x on x.extname = 'dblink'
    left join lateral (
        select has_function_privilege('audit_owner', p.oid, 'execute') as granted, p.proowner as owner
        from pg_proc p
        where p.proname = 'dblink_connect_u' and p.pronamespace = x.extnamespace and p.pronargs = 2
    ) u on true
    cross join lateral (
        select 'there is no such foreign server' as what, 'create it, or select audit.keep_rejections(null)' as todo where f.oid is null
        union all
        select 'the extension dblink is not installed', 'create extension dblink' where x.oid is null
        union all
        select 'audit_owner may not use it', format('grant usage on foreign server %I to audit_owner', s.value) where f.oid is not null and not has_server_privilege('audit_owner', f.oid, 'usage')
        union all
        select 'it has no user mapping for the second connection',
            format('create user mapping for %s server %I options (user …, password …)', case when u.granted then 'public' else 'audit_owner' end, s.value)
        where f.oid is not null
            and not exists (
                select from pg_user_mappings m
                where m.srvid = f.oid and m.umuser in (0, case when u.granted then u.owner else 'audit_owner'::regrole end)
            )
        union all
        select 'it has no connect_timeout, so a writer whose rows are refused could wait long', format('alter server %I options (add connect_timeout ''2'')', s.value)
        where f.oid is not null and not exists (select from pg_options_to_table(f.srvoptions) o where o.option_name = 'connect_timeout')
    ) n
    where s.name = 'rejection_server';
$$;

comment on function audit._doctor_trust() is 'What weakens the pipeline: who could write its log, what silences its triggers, what keeps it from following.';
revoke all on function audit._doctor_trust() from public;
