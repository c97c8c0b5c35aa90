-- Puts rows that wait in quarantine back into their tables: a new row by an insert, a set-aside update by an update of its
-- row, a hidden row by the update that an edit asks for. Every rule and constraint is checked again by the ordinary write
-- path; a row that still fails stays, with the reasons. The filter is that of audit._select_held(). A row in the table that
-- was changed, deleted or made in the meantime is only replaced with overwrite. A row that was released already is left
-- alone, so that releasing twice writes once. dry_run does everything and takes it back.
create or replace function audit.release_held(
    filter jsonb,
    reason text default null,
    overwrite boolean default false,
    dry_run boolean default false,
    most bigint default 10000
)
    returns table (quarantine_id uuid, table_name text, key text, outcome text, reasons jsonb)
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set datestyle = iso, ymd
    set timezone = utc
    set intervalstyle = postgres
    set extra_float_digits = 1
    set bytea_output = hex
as $$
#variable_conflict use_variable
declare
    wanted uuid[] := array(
        select f.id from audit._select_held(filter, most) f (id)
        union
        select i.id::uuid from jsonb_array_elements_text(filter -> 'ids') i (id)
    );
    cause text := current_setting('audit.cause', true);
    batch record;
    done_ids uuid[] := '{}';
    done_outcomes text[] := '{}';
    done_reasons jsonb[] := '{}';
    batch_ids uuid[];
    batch_outcomes text[];
    batch_reasons jsonb[];
begin
    begin
        -- Rows that stand for the same row of their table come one after the other; all others can go together.
        for batch in
            select e.table_id, e.names, e.located, array_agg(e.quarantine_id order by e.lsn, e.quarantine_id) as ids
            from (
                select
                    q.quarantine_id,
                    q.table_id,
                    q.lsn,
                    array(select c from json_object_keys(q.row) c order by c) as names,
                    array(select c from json_object_keys(coalesce(q.restored, q.row)) c order by c) as located,
                    row_number() over (partition by q.table_id, audit._key(coalesce(q.restored, q.row)::jsonb, w.key_columns) order by q.lsn, q.quarantine_id) as turn
                from audit._lock_held(wanted) q
                join audit.watched_table w using (table_id)
            ) e
            group by e.turn, e.table_id, e.names, e.located
            order by e.turn, min(e.lsn)
        loop
            select b.done, b.outcomes, b.reasons
            into batch_ids, batch_outcomes, batch_reasons
            from audit._release_group(batch.table_id, batch.ids, batch.names, batch.located, overwrite) b;
            done_ids := done_ids || batch_ids;
            done_outcomes := done_outcomes || batch_outcomes;
            done_reasons := done_reasons || batch_reasons;
        end loop;
        perform set_config('audit.cause', coalesce(cause, ''), true);

        update audit.quarantine q
        set state = case when d.outcome = 'gone' then 'discarded' else 'released' end
        from unnest(done_ids, done_outcomes) d (id, outcome)
        where q.quarantine_id = d.id
            and d.outcome <> 'refused';
        delete from audit.quarantine_secret s
        using unnest(done_ids, done_outcomes) d (id, outcome)
        where s.quarantine_id = d.id
            and d.outcome <> 'refused';
        insert into audit.quarantine_event (quarantine_id, kind, reason, reasons)
        select
            d.id,
            case d.outcome when 'gone' then 'discarded' else d.outcome end,
            case d.outcome when 'gone' then coalesce(reason, 'the row is gone') else reason end,
            d.reasons
        from unnest(done_ids, done_outcomes, done_reasons) d (id, outcome, reasons);
        if dry_run then
            raise exception using errcode = 'AU009', message = 'a dry run ends here';
        end if;
    exception when sqlstate 'AU009' then
        null;
    end;

    return query
    select
        i.id,
        w.name,
        q.key,
        case
            when q.quarantine_id is null then 'unknown'
            when d.outcome = 'gone' then 'discarded'
            else coalesce(d.outcome, 'already ' || q.state)
        end,
        d.reasons
    from unnest(wanted) i (id)
    left join unnest(done_ids, done_outcomes, done_reasons) d (id, outcome, reasons) on d.id = i.id
    left join audit.quarantine q on q.quarantine_id = i.id
    left join audit.watched_table w on w.table_id = q.table_id
    order by q.lsn, i.id;
end;
$$;

comment on function audit.release_held(jsonb, text, boolean, boolean, bigint) is 'Puts rows that wait in quarantine back into their tables, after all rules and constraints were checked again.';
revoke all on function audit.release_held(jsonb, text, boolean, boolean, bigint) from public;
