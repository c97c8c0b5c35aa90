-- Looks at some hidden rows, each tick at the next ones, and closes the entries of those that pass now or are gone. The
-- view of visible rows does not wait for it. A rule that raises leaves its rows as they are.
create or replace function audit._close_hidden(most integer default 1000)
    returns bigint
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
    set datestyle = iso, ymd
    set timezone = utc
    set intervalstyle = postgres
    set extra_float_digits = 1
    set bytea_output = hex
as $$
#variable_conflict use_variable
declare
    seen record;
    batch record;
    statements jsonb;
    passing uuid[] := '{}';
    gone uuid[] := '{}';
begin
    select array_agg(s.quarantine_id) as ids, count(*) as rows, (array_agg(s.table_id order by s.place desc))[1] as table_id, (array_agg(s.digest order by s.place desc))[1] as digest
    into seen
    from (
        select h.*, row_number() over () as place
        from (
            select q.quarantine_id, q.table_id, md5(q.key) as digest
            from audit.quarantine q, audit.progress p
            where q.state = 'held'
                and q.mode = 'hide'
                and (q.table_id, md5(q.key)) > (p.hidden_table_id, p.hidden_key)
            order by q.table_id, md5(q.key)
            limit most
            for no key update of q skip locked
        ) h
    ) s;
    if seen.rows = 0 then
        update audit.progress p set hidden_table_id = 0, hidden_key = '' where p.hidden_table_id <> 0;
        return 0;
    end if;
    update audit.progress p
    set hidden_table_id = case when seen.rows < most then 0 else seen.table_id end,
        hidden_key = case when seen.rows < most then '' else seen.digest end;

    for batch in
        select w.relation, l.table_id as live, h.located, array_agg(h.quarantine_id) as ids
        from (
            select q.quarantine_id, q.table_id, array(select c from json_object_keys(coalesce(q.restored, q.row)) c order by c) as located
            from audit.quarantine q
            where q.quarantine_id = any (seen.ids)
        ) h
        join audit.watched_table w using (table_id)
        left join audit.watched_table l on l.relation = w.relation and l.unwatched_at is null
        group by w.relation, l.table_id, h.located
    loop
        if not exists (select from pg_class c where c.oid = batch.relation) then
            gone := gone || batch.ids;
            continue;
        elsif batch.live is null then
            passing := passing || batch.ids;
            continue;
        end if;
        begin
            statements := to_jsonb(audit._release_statements(batch.live, batch.relation, batch.located, batch.located));
            execute format(
                'select $2 || coalesce(array_agg(c.quarantine_id) filter (where c.present and c.fails = ''{}''), ''{}''), $3 || coalesce(array_agg(c.quarantine_id) filter (where not c.present), ''{}'') from (%s) c',
                statements ->> 'compare'
            )
            into passing, gone
            using batch.ids, passing, gone;
        exception
            when query_canceled or lock_not_available or deadlock_detected or serialization_failure then
                raise;
            when others then
                raise log 'hidden rows of % can not be looked at: %', batch.relation, sqlerrm;
        end;
    end loop;

    update audit.quarantine q
    set state = case when q.quarantine_id = any (gone) then 'discarded' else 'released' end
    where q.quarantine_id = any (passing || gone);
    delete from audit.quarantine_secret s where s.quarantine_id = any (passing || gone);
    insert into audit.quarantine_event (quarantine_id, kind, reason)
    select p.id, 'released', 'no rule hides the row any more' from unnest(passing) p (id)
    union all
    select g.id, 'discarded', 'the row is gone' from unnest(gone) g (id);
    return cardinality(passing || gone);
end;
$$;

comment on function audit._close_hidden(integer) is 'Looks at some hidden rows, and closes the entries of those that pass now or are gone.';
revoke all on function audit._close_hidden(integer) from public;
