-- The settings that a trigger function of the table pins, as clauses of CREATE FUNCTION: only those that would change
-- what the log keeps or what a rule decides from one session to the next, or what a look-up costs.
create or replace function audit._settings(target regclass)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    with used as (
        select
            -- What is hashed is read as a text first.
            bool_or(not c.plain or c.name = any (w.redact || w.hash)) as complex,
            bool_or(c.type in ('real', 'double precision')) as floats,
            bool_or(c.type ~ '^interval') as intervals,
            bool_or(c.type = 'bytea') as bytes,
            bool_or(c.type ~ '^(time|date)' and c.name = any (w.key_columns)) as times_in_key
        from audit.watched_table w
        cross join audit._log_column(target, 'whole') c
        where w.relation = target
            and w.unwatched_at is null
    ), rules as (
        select
            coalesce(bool_or(
                r.kind in ('expression', 'not_future')
                or r.applies is not null
                -- These look at a value as a text.
                or r.kind in ('not_blank', 'length', 'matches', 'format') and exists (
                    select from audit._log_column(target, 'whole') c where c.name = any (r.columns) and c.type ~ '^(time|date)'
                )
            ), false) as read_times,
            coalesce(bool_or(r.class = 'lookup'), false) as look_up
        from audit.rule r
        join audit.watched_table w using (table_id)
        where w.relation = target
            and w.unwatched_at is null
            and r.retired_at is null
            and r.class <> 'time'
    )
    select concat_ws(
        E'\n',
        '    set search_path = pg_catalog, pg_temp',
        -- A look-up would be planned anew for every statement, because a plan for this one array looks cheaper.
        case when r.look_up then '    set plan_cache_mode = force_generic_plan' end,
        case when u.floats or u.complex then '    set extra_float_digits = 1' end,
        case when u.intervals or u.complex then '    set intervalstyle = postgres' end,
        case when u.bytes or u.complex then '    set bytea_output = hex' end,
        case when u.complex or r.read_times then '    set datestyle = iso, ymd' end,
        case when u.complex or u.times_in_key or r.read_times then '    set timezone = utc' end
    )
    from used u, rules r;
$$;

comment on function audit._settings(regclass) is 'The settings that a trigger function of the table pins.';
revoke all on function audit._settings(regclass) from public;
