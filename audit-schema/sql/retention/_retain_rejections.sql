-- Drops evidence of rejections that is older than its table keeps it, and counts it first.
create or replace function audit._retain_rejections(clock timestamptz, most integer)
    returns bigint
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    due uuid[] := array(
        select d.rejection_id
        from audit._kept('rejections') k
        cross join lateral (
            select r.rejection_id
            from audit.rejection r
            where r.table_id = k.table_id
                and r.at < clock - k.keep
            limit most
        ) d
        limit most
    );
begin
    insert into audit.rule_activity_base as b (rule_id, hour, findings, failed, rejected)
    select r.rule_id, date_trunc('hour', r.at, 'UTC'), 0, 0, sum(r.rows)
    from audit.rejected_rule r
    where r.rejection_id = any (due)
        and r.rule_id is not null
    group by 1, 2
    on conflict on constraint rule_activity_base_pkey do update
    set rejected = b.rejected + excluded.rejected;
    delete from audit.rejection r where r.rejection_id = any (due);
    return cardinality(due);
end;
$$;

comment on function audit._retain_rejections(timestamp with time zone, integer) is 'Drops evidence of rejections that is older than its table keeps it.';
revoke all on function audit._retain_rejections(timestamp with time zone, integer) from public;
