-- Drops the groups of summaries whose bucket ended longer ago than they retain. What is written about such a bucket later is
-- not counted any more. A summary that is being declared anew is left alone.
create or replace function audit._drop_old_buckets(clock timestamptz)
    returns void
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    summary record;
    kept_from timestamptz;
    ending record;
    base text;
begin
    for summary in
        select s.summary_id, s.kept_from, s.definition -> 'bucket' as bucket, (s.definition ->> 'retain')::interval as retain
        from audit.summary s
        where s.standing
            and s.definition ->> 'retain' is not null
        for update skip locked
    loop
        -- The bucket in which that moment lies has not ended by then; every one before has.
        execute format('select %s', audit._bucket_start(summary.bucket, '$1')) into kept_from using clock - summary.retain;
        continue when kept_from <= summary.kept_from;

        select p.base into base from audit._summary_parts(summary.summary_id) p;
        for ending in
            select e."values" from audit._summary_ends(summary.summary_id) e where e.first_of_values
        loop
            execute format('delete from %s audit_value using %s audit_base where audit_base.group_key = audit_value.group_key and audit_base.k1 < $1', ending."values", base) using kept_from;
        end loop;
        execute format('delete from %s audit_base where audit_base.k1 < $1', base) using kept_from;
        update audit.summary s set kept_from = kept_from where s.summary_id = summary.summary_id;
    end loop;
end;
$$;

comment on function audit._drop_old_buckets(timestamptz) is 'Drops the groups of summaries whose bucket ended longer ago than they retain.';
revoke all on function audit._drop_old_buckets(timestamptz) from public;
