-- Records segments of one month that are about to be dropped: as runs without a gap, each with what the chain of seals needs to
-- go on over it; and from when on the log of each table is whole.
create or replace function audit._record_dropped(month date, segment_ids bigint[])
    returns void
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    run audit.dropped_segment;
    before record;
begin
    select coalesce(max(d.number), 0) as number, coalesce((array_agg(d.seal order by d.number desc))[1], '') as seal
    into before
    from (select d.number, d.seal from audit.dropped_segment d order by d.number desc limit 1) d;
    for run.from_segment, run.to_segment, run.table_ids, run.rows, run.at_lo, run.at_hi, run.previous, run.digest in
        select
            min(s.segment_id), max(s.segment_id), array_agg(distinct s.table_id), sum(s.rows), min(s.at_lo), max(s.at_hi),
            (array_agg(s.previous order by s.segment_id))[1], (array_agg(s.digest order by s.segment_id desc))[1]
        from (
            select s.segment_id, s.table_id, s.rows, s.at_lo, s.at_hi, s.previous, s.digest, s.segment_id - row_number() over (order by s.segment_id) as run
            from audit.segment s
            where s.month = month
                and s.segment_id = any (segment_ids)
        ) s
        group by s.run
        order by min(s.segment_id)
    loop
        run.dropped_at := clock_timestamp();
        run.number := before.number + 1;
        run.seal := audit._drop_seal(before.seal, run);
        insert into audit.dropped_segment select run.*;
        before.number := run.number;
        before.seal := run.seal;
    end loop;

    update audit.watched_table w
    set kept_from = greatest(w.kept_from, d.at_hi)
    from (
        select s.table_id, max(s.at_hi) as at_hi
        from audit.segment s
        where s.month = month
            and s.segment_id = any (segment_ids)
        group by s.table_id
    ) d
    where w.table_id = d.table_id;
end;
$$;

comment on function audit._record_dropped(date, bigint[]) is 'Records segments of one month that are about to be dropped.';
revoke all on function audit._record_dropped(date, bigint[]) from public;
