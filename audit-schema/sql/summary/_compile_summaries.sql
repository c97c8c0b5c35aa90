-- Starts the summaries of a table that have no base yet, or a void one, from a scan, puts them in the place of their former
-- versions, and generates the function that folds into all of them. Writers go on meanwhile, and the tick may have folded
-- what the scan did not see: that is made up for, and from then on the tick waits until this transaction is over. Without
-- start, only what has started is generated anew.
create or replace function audit._compile_summaries(table_id integer, start boolean)
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    sealed bigint;
    started integer[] := case when start then array(select audit._unstarted_summaries(table_id)) else '{}' end;
    summary record;
    ending record;
begin
    if started <> '{}' then
        select coalesce(max(g.segment_id), 0) into sealed from audit.segment g;
        -- One that is void stands no longer; nobody sees that before this transaction is over.
        perform audit._drop_summary(s.name) from audit.summary s where s.summary_id = any (started) and s.standing;
        update audit.summary s set broken = null, kept_from = '-infinity' where s.summary_id = any (started);
        perform audit._start_summary(s.summary_id) from unnest(started) s (summary_id);
        perform pg_advisory_xact_lock(hashtextextended('audit.tick', 0));
        perform audit._compile_fold(table_id, started, 'missed');
        execute format('select audit_compiled.fold_%s_missed($1)', table_id) using sealed;
        execute format('drop function audit_compiled.fold_%s_missed(bigint)', table_id);
    end if;

    for summary in
        select s.summary_id, s.name, w.name as table_name
        from audit.summary s
        join audit.watched_table w using (table_id)
        where s.table_id = _compile_summaries.table_id
            and s.retired_at is null
            and (s.summary_id = any (started) or s.standing and to_regclass(format('audit_compiled.%I', s.name)) is null)
        order by s.summary_id
    loop
        if summary.summary_id = any (started) then
            perform audit._drop_summary(summary.name);
            execute format('alter table audit_compiled.%I rename to %I', 'summary_' || summary.summary_id || '_base', summary.name || '_base');
            for ending in
                select e.place from audit._summary_ends(summary.summary_id) e where e.first_of_values
            loop
                execute format(
                    'alter table audit_compiled.%I rename to %I',
                    'summary_' || summary.summary_id || '_values_' || ending.place, summary.name || '_values_' || ending.place
                );
            end loop;
            update audit.summary s set standing = true where s.summary_id = summary.summary_id;
        end if;
        execute audit._summary_view(summary.summary_id);
        execute format('comment on view audit_compiled.%I is %L', summary.name, format('The summary %s of %s: exact at every moment.', summary.name, summary.table_name));
        execute format('grant select on audit_compiled.%I to audit_reader, audit_operator, audit_admin', summary.name);
    end loop;
    perform audit._compile_fold(table_id);
end;
$$;

comment on function audit._compile_summaries(integer, boolean) is 'Starts the summaries of a table that have no base yet, and generates the function that folds into all of them.';
revoke all on function audit._compile_summaries(integer, boolean) from public;
