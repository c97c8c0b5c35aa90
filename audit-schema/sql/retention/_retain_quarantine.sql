-- Drops entries of quarantine that were decided longer ago than their table keeps them, with what was done to them. A row that
-- still waits is never dropped.
create or replace function audit._retain_quarantine(clock timestamptz, most integer)
    returns bigint
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    due uuid[] := array(
        select d.quarantine_id
        from audit._kept('quarantine') k
        cross join lateral (
            select q.quarantine_id
            from audit.quarantine q
            where q.table_id = k.table_id
                and q.state <> 'held'
                and q.at < clock - k.keep
                and not exists (select from audit.quarantine_event e where e.quarantine_id = q.quarantine_id and e.at >= clock - k.keep)
            limit most
        ) d
        limit most
    );
begin
    update audit.table_counter_base b
    set released = b.released + d.released,
        discarded = b.discarded + d.discarded
    from (
        select q.table_id, count(*) filter (where q.state = 'released') as released, count(*) filter (where q.state = 'discarded') as discarded
        from audit.quarantine q
        where q.quarantine_id = any (due)
        group by q.table_id
    ) d
    where b.table_id = d.table_id;
    delete from audit.quarantine_event e where e.quarantine_id = any (due);
    delete from audit.quarantine q where q.quarantine_id = any (due);
    return cardinality(due);
end;
$$;

comment on function audit._retain_quarantine(timestamp with time zone, integer) is 'Drops entries of quarantine that were decided longer ago than their table keeps them.';
revoke all on function audit._retain_quarantine(timestamp with time zone, integer) from public;
