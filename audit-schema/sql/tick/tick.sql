-- Moves what is below the horizon out of the head: into sealed segments, counters and summaries, exactly once, in this
-- transaction. Every change of a transaction below the horizon has been committed or rolled back, so nothing can appear
-- behind it. Returns how many log rows were moved: 0 when nothing is left to do, null when another tick is running.
-- max_rows bounds, nearly, the changed rows that one call moves; a transaction is never split. patience leaves a head of less than
-- a thousand rows alone until it is that old: a loop that ticks every second would otherwise seal a segment for every few
-- rows, while readers add so short a head in milliseconds. The statements are large and their work is fetching rows by their
-- places, so neither compiling them nor reading the whole head for each would pay.
create or replace function audit.tick(clock timestamptz default now(), max_rows integer default 100000, patience interval default '0')
    returns bigint
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set datestyle = iso, ymd
    set timezone = utc
    set work_mem = '64MB'
    set jit = off
    set enable_seqscan = off
as $$
#variable_conflict use_variable
declare
    progress audit.progress;
    horizon xid8 := pg_snapshot_xmin(pg_current_snapshot());
    share float8 := least(1, 67108864 / greatest(pg_relation_size('audit.change'), 1)::float8);
    batch tid[];
    sealed bigint;
    folded integer;
begin
    if not pg_try_advisory_xact_lock(hashtextextended('audit.tick', 0)) then
        return null;
    end if;
    select p.* into progress from audit.progress p;
    if horizon < progress.folded_below then
        raise exception using
            errcode = 'AU002',
            constraint = 'transaction_ids_ran_backward',
            message = format('the transaction id %s is below %s, up to which the log is folded', horizon, progress.folded_below),
            hint = 'The database was restored into another cluster. Install the pipeline there anew.';
    end if;

    -- If there is more, the last transaction that fits is taken whole; one at least is taken. Of a long head a sample of its
    -- blocks tells, or every tick would read and sort all that waits.
    if (select sum(c.rows) / share > max_rows from audit.change c tablesample system (100 * share) where c.xid < horizon) then
        select coalesce(min(c.xid) filter (where c.before >= max_rows)::text::xid8, horizon)
        into horizon
        from (
            select c.xid, sum(c.rows) over (order by c.xid) - c.rows as before
            from (
                select c.xid::text::bigint as xid, sum(c.rows) / share as rows
                from audit.change c tablesample system (100 * share)
                where c.xid < horizon
                group by c.xid
            ) c
        ) c;
    end if;
    select case when sum(c.rows) >= 1000 or min(c.at) <= clock_timestamp() - patience then array_agg(c.ctid) end
    into batch
    from audit.change c
    where c.xid < horizon;

    if batch is not null then
        select coalesce(max(s.segment_id), 0) into sealed from audit.segment s;
        perform audit._seal(batch);
        for folded in
            select distinct s.table_id from audit.segment s where s.segment_id > sealed order by s.table_id
        loop
            perform audit._fold_summaries(folded, sealed);
        end loop;
        perform audit._fold_tables(batch);
        perform audit._fold_rules(progress.folded_below, horizon);
        delete from audit.change c where c.ctid = any (batch);
    end if;

    perform audit._drop_old_buckets(clock);
    perform audit._close_hidden();
    update audit.progress p
    set ticked_at = clock_timestamp(),
        clock = tick.clock,
        folded_below = case when batch is null then p.folded_below else horizon end;
    return coalesce(cardinality(batch), 0);
end;
$$;

comment on function audit.tick(timestamptz, integer, interval) is 'Moves what is below the horizon out of the head: into sealed segments, counters and summaries, exactly once.';
revoke all on function audit.tick(timestamptz, integer, interval) from public;
