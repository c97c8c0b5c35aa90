-- Throws rows in quarantine away, with a reason: a row that was set aside never comes into its table, a hidden one stays
-- there, hidden, and is not listed any more. The entry itself is kept. The filter is that of audit._select_held().
create or replace function audit.discard_held(filter jsonb, reason text, dry_run boolean default false, most bigint default 10000)
    returns table (quarantine_id uuid, table_name text, key text, outcome text)
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set timezone = utc
as $$
#variable_conflict use_variable
declare
    wanted uuid[] := array(
        select f.id from audit._select_held(filter, most) f (id)
        union
        select i.id::uuid from jsonb_array_elements_text(filter -> 'ids') i (id)
    );
    held uuid[];
begin
    if coalesce(reason, '') !~ '\S' then
        raise exception using
            errcode = 'AU002',
            constraint = 'reason_is_missing',
            message = 'rows are only discarded for a reason',
            hint = 'Say in the reason why nobody will miss them.';
    end if;
    held := array(select q.quarantine_id from audit._lock_held(wanted) q);
    if not dry_run then
        update audit.quarantine q set state = 'discarded' where q.quarantine_id = any (held);
        delete from audit.quarantine_secret s where s.quarantine_id = any (held);
        insert into audit.quarantine_event (quarantine_id, kind, reason) select h.id, 'discarded', reason from unnest(held) h (id);
    end if;

    return query
    select i.id, w.name, q.key, case when i.id = any (held) then 'discarded' else coalesce('already ' || q.state, 'unknown') end
    from unnest(wanted) i (id)
    left join audit.quarantine q on q.quarantine_id = i.id
    left join audit.watched_table w on w.table_id = q.table_id
    order by q.lsn, i.id;
end;
$$;

comment on function audit.discard_held(jsonb, text, boolean, bigint) is 'Throws rows in quarantine away, with a reason.';
revoke all on function audit.discard_held(jsonb, text, boolean, bigint) from public;
