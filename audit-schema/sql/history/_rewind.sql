-- How a watched table is brought to another time: the query, with $1 for the time and $2 for the log position from which on
-- it goes forwards. Whichever reads less is taken: from the table backwards, or from its beginning forwards. The rows that
-- a TRUNCATE took are not in the log, so nothing goes backwards over one, and forwards only from a beginning without rows.
create or replace function audit._rewind(target regclass, at timestamptz, one_key boolean default false)
    returns table (query text, from_lsn pg_lsn)
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    watched audit.watched_table := audit._readable(target, needs_key => one_key);
    truncated_at timestamptz;
    forwards_reads bigint;
    backwards_reads bigint;
begin
    if watched.relation <> target then
        raise exception using
            errcode = 'AU002',
            constraint = 'table_is_not_watched',
            message = format('%s is a partition: what was in it is not told apart from what was in %s', target, watched.relation),
            hint = format('Ask for %s.', watched.relation);
    elsif watched.unwatched_at is not null or at < watched.watched_at then
        raise exception using
            errcode = 'AU002',
            constraint = 'table_was_not_watched',
            message = format('the log of %s does not tell how it was at %s', target, at),
            hint = format('It was watched from %s to %s.', watched.watched_at, coalesce(watched.unwatched_at::text, 'now'));
    end if;

    if audit._hidden_key(watched) then
        raise exception using
            errcode = 'AU002',
            constraint = 'keys_are_hashed',
            message = format('the log of %s knows its rows by hashes of their keys', target),
            detail = 'So a row of the table can not be put together with its changes.',
            hint = 'audit.history() has the versions of each row.';
    elsif at < watched.kept_from then
        raise exception using
            errcode = 'AU002',
            constraint = 'log_was_dropped',
            message = format('the log of %s begins at %s: retention dropped what was before', target, watched.kept_from),
            hint = 'Ask for a later time.';
    end if;

    -- Where the table was empty: when the watch began, or when it was last truncated before the time asked for.
    select max(t.lsn) into from_lsn from audit._truncates(watched.table_id) t where t.at <= at and t.at > coalesce(watched.kept_from, '-infinity');
    if from_lsn is null and watched.kept_from is null and exists (select from audit.table_counter_base b where b.table_id = watched.table_id and b.rows_at_start = 0) then
        from_lsn := '0/0';
    end if;
    select min(t.at) into truncated_at from audit._truncates(watched.table_id) t where t.at > at;
    if truncated_at is not null and from_lsn is null then
        raise exception using
            errcode = 'AU002',
            constraint = 'truncated_rows_are_not_logged',
            message = format('%s was truncated at %s: which rows it had before is not logged', target, truncated_at),
            detail = 'Some of them are older than the watch, or than what retention keeps.',
            hint = 'Ask for a later time. audit.history() has the versions of each row that was changed.';
    end if;

    select
        coalesce(sum(r.rows) filter (where r.at_lo <= at), 0),
        coalesce(sum(r.rows) filter (where r.at_hi > at), 0) + (select greatest(c.reltuples, 0)::bigint from pg_class c where c.oid = target)
    into forwards_reads, backwards_reads
    from (
        select c.rows, c.at as at_lo, c.at as at_hi, c.lsn from audit.change c where c.table_id = watched.table_id
        union all
        select s.rows, s.at_lo, s.at_hi, s.lsn_hi from audit.segment s where s.table_id = watched.table_id
    ) r
    where r.lsn >= coalesce(from_lsn, '0/0');
    if truncated_at is null and (from_lsn is null or backwards_reads <= forwards_reads) then
        from_lsn := null;
    end if;
    query := audit._rewound(watched, forwards => from_lsn is not null, one_key => one_key);
    return next;
end;
$$;

comment on function audit._rewind(regclass, timestamptz, boolean) is 'How a watched table is brought to another time: the query, and the log position from which on it goes forwards.';
revoke all on function audit._rewind(regclass, timestamptz, boolean) from public;
