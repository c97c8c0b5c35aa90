-- What is wrong with the pipeline in this database and what to do about it, worst first: nothing when all is well. Reads
-- the catalogue, the head and the newest segment, no watched table, so that it may run each minute. What waits for longer
-- than late, or a head of more than head_bytes, is a remark.
create or replace function audit.doctor(late interval default '5 minutes', head_bytes bigint default 268435456)
    returns table (severity text, remark text, object text, what text, todo text)
    language sql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
    select r.severity, r.remark, r.object, r.what, r.todo
    from (
        select t.* from audit._doctor_tables() t
        union all
        select t.* from audit._doctor_log(late, head_bytes) t
        union all
        select t.* from audit._doctor_horizon(late) t
        union all
        select t.* from audit._doctor_trust() t
        union all
        select t.* from audit._doctor_privacy() t
        union all
        select t.* from audit._doctor_deliveries(late) t
    ) r
    order by array_position('{critical,important,normal,low}', r.severity), r.remark, r.object;
$$;

comment on function audit.doctor(interval, bigint) is 'What is wrong with the pipeline in this database and what to do about it, worst first: nothing when all is well.';
revoke all on function audit.doctor(interval, bigint) from public;
