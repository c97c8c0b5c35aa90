-- Replays the log of a watched table and compares the outcome with the table: how many rows differ. The last change of
-- each key says what the row should be. Needs a primary key, and a watch that began when the table was empty.
create or replace function audit.replay_differences(target regclass)
    returns bigint
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
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
    if not found or watched.key_columns = '{}' then
        raise exception using
            errcode = 'AU002',
            constraint = case when watched.table_id is null then 'table_is_not_watched' else 'table_has_no_primary_key' end,
            message = format('the log of %s can not be replayed', target),
            hint = 'Only watched tables with a primary key can.';
    end if;
    select max(t.lsn) into truncated
    from (
        select c.lsn from audit.change c where c.table_id = watched.table_id and c.op = 'T'
        union all
        select s.lsn_hi from audit.segment s where s.table_id = watched.table_id and s.op = 'T'
    ) t;

    execute format(
        $query$
            with step as (
                select v.key, v.image, v.lsn, v.place, v.came
                from audit.row_change c
                cross join lateral (
                    select c.old_key as key, null::jsonb as image, c.lsn, c.place, 0 as came where c.op = 'D' or c.old_key <> c.key
                    union all
                    select c.key, c.new, c.lsn, c.place, 1 where c.op in ('I', 'U')
                ) v
                where c.table_id = %1$s and c.lsn > %2$L
            ), replayed as (
                select distinct on (s.key) s.key, s.image from step s order by s.key, s.lsn desc, s.came desc, s.place desc
            ), present as (
                select %3$s as key, %4$s::jsonb as image from %5$s audit_row
            )
            select count(*)
            from (
                -- Through the types of the columns, because a writer's time zone shows in what he wrote.
                select audit_row."audit key" as key, %4$s::jsonb as image
                from (select r.key as "audit key", %6$s from replayed r where r.image is not null) audit_row
            ) r
            full join present p on p.key = r.key
            where p.image is distinct from r.image
        $query$,
        watched.table_id, coalesce(truncated, '0/0'),
        audit._log_key(target, watched.key_columns), audit._log_object(target), target,
        (select string_agg(format('(r.image ->> %L)::%s as %I', c.name, c.type, c.name), ', ') from audit._log_column(target) c)
    )
    into differences;
    return differences;
end;
$$;

comment on function audit.replay_differences(regclass) is 'Replays the log of a watched table and counts the rows that differ from the table.';
revoke all on function audit.replay_differences(regclass) from public;
