-- Replays the log of a watched table and compares the outcome with the table: how many rows differ. Needs a watch that
-- began when the table was empty, or a TRUNCATE since, and a log of which nothing since was dropped. Columns that are redacted
-- or hashed are not compared.
create or replace function audit.replay_differences(target regclass)
    returns bigint
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set jit = off
    set datestyle = iso, ymd
    set timezone = utc
    set extra_float_digits = 1
    set intervalstyle = postgres
    set bytea_output = hex
as $$
#variable_conflict use_variable
declare
    watched audit.watched_table;
    truncated pg_lsn;
    differences bigint;
begin
    select w.* into watched from audit.watched_table w where w.relation = target and w.unwatched_at is null;
    if not found then
        raise exception using
            errcode = 'AU002',
            constraint = 'table_is_not_watched',
            message = format('the log of %s can not be replayed', target),
            hint = 'Only that of a watched table can.';
    end if;
    select max(t.lsn) into truncated from audit._truncates(watched.table_id) t where t.at > coalesce(watched.kept_from, '-infinity');
    if watched.kept_from is not null and truncated is null then
        raise exception using
            errcode = 'AU002',
            constraint = 'log_was_dropped',
            message = format('the log of %s begins at %s: retention dropped what was before, so it can not be replayed', target, watched.kept_from),
            hint = 'audit.verify() proves the counters, the summaries and the seals.';
    end if;

    -- Without keys, or with keys of which only hashes are logged, the rows are counted by what they hold.
    execute audit._filled(
        $query$
            with replayed as (
                select {key} as key, {object}::jsonb as image, {number} as number from ({rows}) audit_row
            ), present as (
                select {key} as key, {object}::jsonb as image, {number} as number from {relation} audit_row
            )
            select count(*) from replayed r full join present p on {same} where p.image is distinct from r.image$query$,
        jsonb_build_object(
            'key', case when audit._hidden_key(watched) then 'null::text' else audit._log_key(target, watched.key_columns) end,
            'object', audit._log_object(target, which => 'known'),
            'number', case when watched.key_columns = '{}' or audit._hidden_key(watched) then format('row_number() over (partition by %s::jsonb)', audit._log_object(target, which => 'known')) else '1' end,
            'same', case when watched.key_columns = '{}' or audit._hidden_key(watched) then 'p.image = r.image and p.number = r.number' else 'p.key = r.key' end,
            'rows', audit._rewound(watched, forwards => true, one_key => false),
            'relation', target
        )
    )
    into differences
    using 'infinity'::timestamptz, coalesce(truncated, '0/0');
    return differences;
end;
$$;

comment on function audit.replay_differences(regclass) is 'Replays the log of a watched table and counts the rows that differ from the table.';
revoke all on function audit.replay_differences(regclass) from public;
