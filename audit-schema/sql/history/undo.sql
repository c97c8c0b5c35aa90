-- Takes back what was written: a change by its log position, a transaction, or what one actor (or role, where no actor was
-- named) wrote in a span of time; of all tables or of one. Returns the statements, one for each row, in the order to run,
-- newest first, and runs them only when told to: all of them or, if one is refused, none. What is run is logged like
-- any write, with the cause undo. An update that changed
-- nothing has no statement. A row that changed since is refused, and so are tables without a primary key and
-- truncates. Of redacted and hashed columns the log has no values: `unknown` names them, they stay as they are, and what can
-- not do without them is refused. A row whose deletion would cascade to rows that are not taken back fails the run.
--
-- Everything is done with the rights of the caller: who may not write a table can not undo what was written to it. There
-- is no search_path of its own, so that each statement runs as it would if the caller sent it.
create or replace function audit.undo(
    change pg_lsn default null,
    transaction xid8 default null,
    actor text default null,
    since timestamptz default null,
    until timestamptz default null,
    target regclass default null,
    execute boolean default false
)
    returns table (
        step bigint, statement text, status text, table_name text, key text, op "char", lsn pg_lsn, xid xid8, at timestamptz,
        reason text, later_lsn pg_lsn, unknown text[]
    )
    language plpgsql
    volatile
as $$
#variable_conflict use_column
declare
    only_table integer;
    subject record;
    planned record;
    refused record;
    planned_rows bigint;
    cascades pg_catalog.jsonb := '{}';
    cascading boolean;
    cause text := pg_catalog.current_setting('audit.cause', true);
    affected bigint;
begin
    if pg_catalog.num_nonnulls(change, transaction, actor) <> 1 or (actor is null) <> (since is null and until is null) then
        raise exception using
            errcode = 'AU002',
            constraint = 'undo_needs_one_selection',
            message = 'what to undo is one of: a change, a transaction, an actor with a span of time',
            hint = 'For example audit.undo(transaction => ''740''), or audit.undo(actor => ''ada'', since => ''2026-01-01'', until => now()).';
    end if;
    if target is not null then
        only_table := (audit._readable(target, needs_key => true)).table_id;
    end if;

    if execute then
        -- Whoever waits for a row sees what is decided here, and what is decided here sees whoever came before.
        for subject in
            select w as watched, pg_catalog.array_agg(distinct k.key) as keys
            from audit._changes(only_table, since, until, change, transaction) c
            join audit.watched_table w on w.table_id = c.table_id and w.unwatched_at is null and w.key_columns <> '{}' and not audit._hidden_key(w)
            cross join lateral (select c.old_key union select c.new_key) k (key)
            where actor is null or coalesce(c.actor, c.session_role) = actor
            group by w.*
        loop
            perform audit._lock_rows(subject.watched, subject.keys);
        end loop;
        select p.relation, p.key, p.reason, p.later_lsn, pg_catalog.count(*) over () as rows
        into refused
        from audit._undo_plan(change, transaction, actor, since, until, only_table) p
        where p.reason is not null
        order by p.later_lsn is null, p.step
        limit 1;
        if found then
            raise exception using
                errcode = 'AU002',
                constraint = 'undo_is_refused',
                message = pg_catalog.format('nothing was undone: %s of the changes can not be taken back', refused.rows),
                detail = pg_catalog.format('%s %s: %s', refused.relation, refused.key, refused.reason),
                hint = 'Without execute => true, audit.undo() shows each with its reason.';
        end if;
        perform pg_catalog.set_config('audit.cause', 'undo', true);
    end if;

    for planned in
        select p.*, w as watched
        from audit._undo_plan(change, transaction, actor, since, until, only_table) p
        join audit.watched_table w on w.table_id = p.table_id
    loop
        if execute and planned.statement is not null then
            if planned.op = 'I' then
                if not pg_catalog.jsonb_exists(cascades, planned.table_id::text) then
                    cascades := cascades || pg_catalog.jsonb_build_object(planned.table_id::text, audit._cascade_query((planned.watched).relation, (planned.watched).key_columns));
                end if;
                if cascades ->> planned.table_id::text is not null then
                    execute cascades ->> planned.table_id::text into cascading using planned.key;
                    if cascading then
                        raise exception using
                            errcode = 'AU002',
                            constraint = 'undo_would_cascade',
                            message = pg_catalog.format('taking back the insert of %s %s would delete or change rows that refer to it', planned.relation, planned.key),
                            detail = 'They came later, and a foreign key cascades.';
                    end if;
                end if;
            end if;
            execute planned.statement;
            get diagnostics affected = row_count;
            if affected <> 1 then
                raise exception using
                    errcode = 'AU002',
                    constraint = 'undo_is_refused',
                    message = pg_catalog.format('nothing was undone: %s rows would be written instead of one', affected),
                    detail = pg_catalog.format('%s %s: %s', planned.relation, planned.key, planned.statement);
            end if;
        end if;
        planned_rows := coalesce(planned_rows, 0) + 1;
        step := planned.step;
        statement := planned.statement;
        status := case when planned.reason is not null then 'refused' when execute then 'done' else 'ready' end;
        table_name := planned.relation;
        key := planned.key;
        op := planned.op;
        lsn := planned.lsn;
        xid := planned.xid;
        at := planned.at;
        reason := planned.reason;
        later_lsn := planned.later_lsn;
        unknown := planned.unknown;
        return next;
    end loop;
    if execute then
        perform pg_catalog.set_config('audit.cause', coalesce(cause, ''), true);
    end if;
    if planned_rows is null then
        raise exception using
            errcode = 'AU002',
            constraint = 'nothing_to_undo',
            message = 'nothing of that is in the log',
            hint = coalesce(
                (
                    select pg_catalog.format('Retention dropped changes until %s.', pg_catalog.max(w.kept_from))
                    from audit.watched_table w
                    where w.kept_from is not null and (only_table is null or w.table_id = only_table)
                    having pg_catalog.count(*) > 0
                ),
                'audit.row_change has the log.'
            );
    end if;
end;
$$;

comment on function audit.undo(pg_lsn, xid8, text, timestamptz, timestamptz, regclass, boolean) is 'The statements that take back a change, a transaction, or what one actor wrote in a span of time; runs them when told to.';
revoke all on function audit.undo(pg_lsn, xid8, text, timestamptz, timestamptz, regclass, boolean) from public;
