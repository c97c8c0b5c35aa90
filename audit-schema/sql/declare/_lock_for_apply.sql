-- Locks a table for the rest of the transaction, or, without one, all declarations; or says who stands in the way. Writers
-- queue behind a lock that is waited for, so nobody waits longer than `patience`. Runs with the rights of the caller, who
-- must own the table.
create or replace function audit._lock_for_apply(target regclass, mode text, patience interval)
    returns void
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    before text := current_setting('lock_timeout');
    holders json;
begin
    if mode not in ('share row exclusive', 'access exclusive') then
        raise exception using errcode = 'AU002', constraint = 'lock_mode_is_known', message = format('`%s` is no mode that a policy needs', mode);
    end if;
    begin
        perform set_config('lock_timeout', greatest(1, (extract(epoch from patience) * 1000)::integer)::text, true);
        if target is null then
            perform pg_advisory_xact_lock(hashtextextended('audit.apply', 0));
        else
            execute format('lock table %s in %s mode', target, mode);
        end if;
        perform set_config('lock_timeout', before, true);
    exception when lock_not_available then
        select json_agg(
            json_build_object(
                'pid', l.pid,
                'role', a.usename,
                'application', nullif(a.application_name, ''),
                'client', host(a.client_addr),
                'state', a.state,
                'since', a.xact_start,
                'query', left(nullif(a.query, '<insufficient privilege>'), 200)
            )
            order by a.xact_start
        )
        into holders
        from (
            select distinct k.pid
            from pg_locks k
            where k.granted
                and k.pid is distinct from pg_backend_pid()
                and k.database = (select d.oid from pg_database d where d.datname = current_database())
                and case
                    when target is null then
                        k.locktype = 'advisory'
                        and k.classid = ((hashtextextended('audit.apply', 0) >> 32) & 4294967295)::oid
                        and k.objid = (hashtextextended('audit.apply', 0) & 4294967295)::oid
                    else
                        k.locktype = 'relation'
                        and k.relation in (select r.relid from audit._relatives(target) r)
                        and (mode = 'access exclusive' or k.mode not in ('AccessShareLock', 'RowShareLock'))
                end
        ) l
        left join pg_stat_activity a on a.pid = l.pid;
        raise exception using
            errcode = 'AU002',
            constraint = case when target is null then 'policy_is_being_applied' else 'table_is_locked' end,
            message = case when target is null then 'somebody else applies a policy' else format('%s is locked by somebody else', target) end,
            detail = coalesce(holders, '[]')::text;
    end;
end;
$$;

comment on function audit._lock_for_apply(regclass, text, interval) is 'Locks a table, or without one all declarations, for the rest of the transaction, or says who stands in the way.';
revoke all on function audit._lock_for_apply(regclass, text, interval) from public;
