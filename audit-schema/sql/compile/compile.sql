-- Turns the declarations about a table into trigger functions and summaries, in force when the transaction ends. Calling
-- it again changes nothing. Runs with the rights of the caller, who lends the pipeline the rights that the rules need:
-- to read a table that they look at, to take out or restore a row that is set aside and to put it back. A summary starts from a
-- scan while writers go on, if they logged all that it reads already when this transaction began: so it is started by a
-- second call, in a transaction of its own, where the first did not start summaries. Else writers wait for the scan.
create or replace function audit.compile(target regclass, start_summaries boolean default true)
    returns void
    language plpgsql
    volatile
as $$
#variable_conflict use_variable
declare
    watched audit.watched_table;
    needed record;
begin
    select w.* into watched from audit.watched_table w where w.relation = target and w.unwatched_at is null;
    if not found then
        raise exception using
            errcode = 'AU002',
            constraint = 'table_is_not_watched',
            message = pg_catalog.format('%s is not watched', target),
            hint = pg_catalog.format('Call audit.watch(%L) first.', target);
    end if;

    for needed in
        select distinct pg_catalog.to_regclass(r.definition ->> 'table') as relation, 'select' as privilege
        from audit.rule r
        where r.table_id = watched.table_id and r.retired_at is null and r.kind = 'references'
        union
        select n.relation, 'select'
        from audit.rule r
        cross join pg_catalog.unnest(r.reads) n (relation)
        join pg_catalog.pg_class k on k.oid = n.relation
        where r.table_id = watched.table_id and r.retired_at is null
        union
        select target, p.privilege
        from audit.rule r
        cross join (values ('insert'), ('update'), ('delete')) p (privilege)
        where r.table_id = watched.table_id and r.retired_at is null and r.action = 'quarantine' and (r.mode = 'set_aside' or p.privilege = 'update')
    loop
        if needed.relation is not null and not pg_catalog.has_table_privilege('audit_owner', needed.relation, needed.privilege) then
            execute pg_catalog.format('grant %s on %s to audit_owner', needed.privilege, needed.relation);
        end if;
        if needed.relation is not null then
            execute (
                select case when not pg_catalog.has_schema_privilege('audit_owner', c.relnamespace, 'usage')
                    then pg_catalog.format('grant usage on schema %s to audit_owner', c.relnamespace::regnamespace)
                    else 'select 1'
                end
                from pg_catalog.pg_class c
                where c.oid = needed.relation
            );
        end if;
    end loop;
    -- What starts from a scan must not miss or double a write. A fresh watch takes this lock for its triggers anyhow.
    if audit._needs_scan(watched.table_id) then
        execute pg_catalog.format('lock table %s in share row exclusive mode', target);
    end if;
    perform audit._compile(watched.table_id);

    if start_summaries and exists (select audit._unstarted_summaries(watched.table_id)) then
        if (select w.captured_xid = pg_catalog.pg_current_xact_id() from audit.watched_table w where w.table_id = watched.table_id) then
            execute pg_catalog.format('lock table %s in share row exclusive mode', target);
        else
            -- Who began to write by an older function is waited for; the lock goes with the block.
            begin
                execute pg_catalog.format('lock table %s in share row exclusive mode', target);
                raise exception using errcode = 'AU002', constraint = 'nobody_writes_by_an_older_function';
            exception when sqlstate 'AU002' then
                null;
            end;
        end if;
        perform audit._compile_summaries(watched.table_id, start => true);
    end if;
end;
$$;

comment on function audit.compile(regclass, boolean) is 'Turns the declarations about a table into trigger functions and summaries. Calling it again changes nothing.';
revoke all on function audit.compile(regclass, boolean) from public;
