-- Proves what the pipeline says by reading everything: each counter and each summary against its table, and the chain of
-- seals. One row per object. Of a summary that differs some groups are named. Rules that look at the clock or at another
-- table are counted as they were when written, so they may differ when that changed since. Rules about changes, about who
-- writes and time-driven ones are not in it: no scan can tell.
create or replace function audit.verify()
    returns table (kind text, object text, expected text, found text, ok boolean)
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set datestyle = iso, ymd
    set timezone = utc
    set extra_float_digits = 1
as $$
#variable_conflict use_variable
declare
    subject record;
    counted bigint;
    broken bigint;
begin
    for subject in
        select w.relation, w.name, c.rows from audit.watched_table w join audit.table_counter c using (table_id) where w.unwatched_at is null order by w.name
    loop
        execute format('select count(*) from %s', subject.relation) into counted;
        return query select 'rows', subject.name, counted::text, subject.rows::text, counted = subject.rows;
    end loop;

    for subject in
        select r.rule_id, w.name || '.' || r.name as name, c.failing
        from audit.rule r
        join audit.watched_table w using (table_id)
        join audit.rule_counter c using (rule_id)
        where r.retired_at is null and r.broken is null and r.class in ('row', 'lookup') and w.unwatched_at is null
        order by w.name, r.name
    loop
        counted := audit._scan_rule(subject.rule_id);
        return query select 'rule', subject.name, coalesce(counted::text, 'can not be evaluated'), subject.failing::text, coalesce(counted = subject.failing, false);
    end loop;

    for subject in
        select s.summary_id, s.name, s.standing, s.broken from audit.summary s join audit.watched_table w using (table_id) where s.retired_at is null order by s.name
    loop
        if not subject.standing or subject.broken is not null then
            return query select 'summary', subject.name, 'every group as a scan gives it', coalesce('can not be folded: ' || subject.broken, 'it has not started'), false;
            continue;
        end if;
        return query
            select
                'summary',
                subject.name,
                case when d.groups = 0 then '0 groups differ' else d.expected end,
                case when d.groups = 0 then '0 groups differ' else format('%s%s', d.shown, case when d.groups > 3 then format('; %s groups differ in all', d.groups) end) end,
                d.groups = 0
            from audit._summary_differences(subject.summary_id) d;
    end loop;

    broken := audit._broken_seal();
    return query
        select
            'seals', 'audit.segment', 'unbroken chain',
            coalesce('broken at segment ' || broken, 'unbroken chain') || coalesce(
                case when d.dropped > 0 then format(
                    ' from segment %s on; retention dropped %s, the last on %s, with changes until %s',
                    d.kept, d.dropped, to_char(d.dropped_at, 'YYYY-MM-DD'), to_char(d.at_hi, 'YYYY-MM-DD HH24:MI')
                ) end,
                ''
            ),
            broken is null
        from (
            select
                coalesce((select min(s.segment_id) from audit.segment s), max(d.to_segment) + 1) as kept,
                sum(d.to_segment - d.from_segment + 1) as dropped, max(d.dropped_at) as dropped_at, max(d.at_hi) as at_hi
            from audit.dropped_segment d
        ) d;
end;
$$;

comment on function audit.verify() is 'Proves counters, summaries and seals by reading everything. One row per object.';
revoke all on function audit.verify() from public;
