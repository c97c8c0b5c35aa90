-- Drops segments all of whose changes are older than their table keeps them: a month of which nothing is kept as a whole, else
-- some segments at a time. The partition of the month in which the tick works stays. A month that somebody reads at this moment
-- can not be dropped, and nobody should wait for that: then its segments go one by one.
create or replace function audit._retain_changes(clock timestamptz, most integer)
    returns bigint
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
    set lock_timeout = '200ms'
as $$
#variable_conflict use_variable
declare
    part record;
    due bigint[];
    dropped bigint := 0;
begin
    for part in
        select c.oid::regclass as relation, to_date(right(c.relname, 7), 'YYYY_MM') as month
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'audit.segment'::regclass
        order by month
    loop
        -- No segment is sealed before its changes were made.
        exit when part.month >= coalesce((select max(clock - k.keep) from audit._kept('changes') k), '-infinity');
        if part.month < date_trunc('month', now())
            and not exists (
                select
                from audit.segment s
                left join audit._kept('changes') k using (table_id)
                where s.month = part.month
                    and (k.keep is null or s.at_hi >= clock - k.keep)
            )
        then
            begin
                due := array(select s.segment_id from audit.segment s where s.month = part.month);
                perform audit._record_dropped(part.month, due);
                execute format('drop table %s', part.relation);
                dropped := dropped + 1 + cardinality(due);
                exit;
            exception when lock_not_available then
                null;
            end;
        end if;

        due := array(
            select s.segment_id
            from audit.segment s
            join audit._kept('changes') k using (table_id)
            where s.month = part.month
                and s.at_hi < clock - k.keep
            order by s.segment_id
            limit most - dropped
        );
        if due <> '{}' then
            perform audit._record_dropped(part.month, due);
            delete from audit.segment s where s.month = part.month and s.segment_id = any (due);
            dropped := dropped + cardinality(due);
        end if;
        exit when dropped >= most;
    end loop;
    return dropped;
end;
$$;

comment on function audit._retain_changes(timestamp with time zone, integer) is 'Drops segments all of whose changes are older than their table keeps them.';
revoke all on function audit._retain_changes(timestamp with time zone, integer) from public;
