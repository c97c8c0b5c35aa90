-- Creates base and view of each new summary of a table, starting from a scan, and the function that folds into all of
-- them; audit.compile() keeps writers out.
-- A reader's view is the folded base plus what is still in the head; a truncate in the head voids the base.
create or replace function audit._compile_summaries(table_id integer)
    returns void
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
    set datestyle = iso, ymd
    set timezone = utc
    set extra_float_digits = 1
as $$
#variable_conflict use_variable
declare
    summary record;
    parts record;
    start pg_lsn;
begin
    for summary in
        select s.summary_id, s.name, s.start_lsn, w.relation, w.name as table_name, to_regclass(format('audit_compiled.%I', s.name || '_base')) is null as fresh
        from audit.summary s
        join audit.watched_table w using (table_id)
        where s.table_id = _compile_summaries.table_id
            and s.retired_at is null
        order by s.summary_id
    loop
        select p.* into parts from audit._summary_parts(summary.summary_id) p;
        start := summary.start_lsn;

        if summary.fresh then
            start := pg_current_wal_insert_lsn();
            update audit.summary s set start_lsn = start where s.summary_id = summary.summary_id;

            execute format('create table %s (group_key text primary key, rows bigint not null, %s)', parts.base, parts.columns_with_types);
            execute format('comment on table %s is %L', parts.base, format('Folded base of the summary %s of %s.', summary.name, summary.table_name));
            execute format(
                E'insert into %s\nselect %s\nfrom (select 1 as "audit sign", audit_source.* from %s audit_source) audit_row\nwhere %s\ngroup by %s\nhaving count(*) > 0',
                parts.base,
                concat_ws(', ', parts.key_text, 'sum(audit_row."audit sign")', nullif(parts.keys, ''), parts.totals),
                summary.relation, parts.condition, coalesce(nullif(parts.keys, ''), '()')
            );

            execute format(
                E'create view %s as\nselect %s\nfrom (\n    select %s\n    from %s audit_base\n    where not exists (\n        select from audit.change audit_truncate where audit_truncate.table_id = %s and audit_truncate.op = ''T'' and audit_truncate.lsn >= %L::pg_lsn\n    )\n    union all\n    select %s\n    from (\n%s\n    ) audit_row\n    where %s\n    group by %s\n) audit_part\n%shaving sum(audit_part.rows) <> 0',
                parts.view,
                concat_ws(', ', nullif(parts.key_names, ''), parts.measures),
                concat_ws(', ', 'audit_base.rows', nullif(parts.key_names, ''), parts.total_names),
                parts.base, table_id, start,
                concat_ws(', ', 'sum(audit_row."audit sign")', nullif(parts.keys_named, ''), parts.totals),
                audit._summary_changes(
                    summary.summary_id,
                    format('audit_change.lsn > coalesce((select max(audit_truncate.lsn) from audit.change audit_truncate where audit_truncate.table_id = %s and audit_truncate.op = ''T''), ''0/0'')', table_id)
                ),
                parts.condition,
                coalesce(nullif(parts.keys, ''), '()'),
                case when parts.key_names = '' then '' else format(E'group by %s\n', parts.key_names) end
            );
            execute format('comment on view %s is %L', parts.view, format('The summary %s of %s: exact at every moment.', summary.name, summary.table_name));
            execute format('grant select on %s to audit_reader, audit_operator, audit_admin', parts.view);
        end if;
    end loop;
    perform audit._compile_fold(table_id);
end;
$$;

comment on function audit._compile_summaries(integer) is 'Creates base and view of each new summary of a table, and the function that folds into all of them.';
revoke all on function audit._compile_summaries(integer) from public;
