-- Creates the base of a summary and fills it from a scan, while writers go on: what the snapshot of the scan did not see is
-- folded like any other change. Until the scan is over the tables have names of their own, so that a former version stands
-- as long.
create or replace function audit._start_summary(summary_id integer)
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
    ending record;
    application text := current_setting('application_name');
    fills text;
    started record;
begin
    -- In another isolation level the snapshot is older than what the tick has folded.
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        raise exception using
            errcode = 'AU002',
            constraint = 'summary_starts_in_read_committed',
            message = 'a summary can not start in a transaction that is ' || current_setting('transaction_isolation'),
            hint = 'Call audit.compile() in a transaction that is read committed.';
    end if;
    select p.* into parts from audit._summary_parts(summary_id) p;
    select s.name, w.relation, w.name as table_name
    into summary
    from audit.summary s
    join audit.watched_table w using (table_id)
    where s.summary_id = _start_summary.summary_id;

    execute format('create table %s (%s)', parts.base, concat_ws(', ', 'group_key text primary key', 'rows bigint not null', nullif(parts.columns_with_types, '')));
    execute format('comment on table %s is %L', parts.base, format('Folded base of the summary %s of %s.', summary.name, summary.table_name));
    fills := format(
        'with base as (insert into %1$s (%2$s) select %3$s from audit._scan_summary(null::%1$s, %4$L, %5$L, %6$L) audit_part group by %7$s)',
        parts.base,
        concat_ws(', ', 'group_key', 'rows', nullif(parts.key_names, ''), nullif(parts.total_names, '')),
        concat_ws(', ', 'audit_part.group_key', 'sum(audit_part.rows)', nullif(parts.key_names, ''), nullif(parts.sums, '')),
        format(
            'select %s from (select 1 as "audit sign", audit_source.* from {audit_source}) audit_row where %s group by %s having count(*) > 0',
            concat_ws(', ', parts.key_texts || '::text', 'sum(audit_row."audit sign")', nullif(parts.keys, ''), nullif(parts.totals, '')),
            parts.condition,
            coalesce(nullif(parts.keys, ''), '()')
        ),
        summary.relation,
        summary.name,
        concat_ws(', ', 'audit_part.group_key', nullif(parts.key_names, ''))
    );
    for ending in
        select e.* from audit._summary_ends(summary_id) e where e.first_of_values order by e.place
    loop
        execute format('create table %s (group_key text not null, value %s not null, rows bigint not null, primary key (group_key, value))', ending."values", ending.type);
        execute format('comment on table %s is %L', ending."values", format('How many rows of each group of the summary %s of %s have which value.', summary.name, summary.table_name));
        fills := fills || format(
            ', values_%1$s as (insert into %2$s select audit_part.group_key, audit_part.value, sum(audit_part.rows) from audit._scan_summary(null::%2$s, %3$L, %4$L, %5$L) audit_part group by 1, 2)',
            ending.place,
            ending."values",
            format(
                'select %1$s::text, %2$s, sum(audit_row."audit sign") from (select 1 as "audit sign", audit_source.* from {audit_source}) audit_row where %3$s and (%2$s) is not null group by %4$s',
                parts.key_texts, ending.expression, parts.condition, concat_ws(', ', nullif(parts.keys, ''), ending.expression)
            ),
            summary.relation,
            summary.name
        );
    end loop;

    execute fills || ' select pg_current_xact_id() as xid, pg_current_snapshot() as snapshot, pg_current_wal_insert_lsn() as lsn' into started;
    update audit.summary s
    set start_xid = started.xid, start_snapshot = started.snapshot, start_lsn = started.lsn
    where s.summary_id = _start_summary.summary_id;
    perform set_config('application_name', application, true);
end;
$$;

comment on function audit._start_summary(integer) is 'Creates the base of a summary and fills it from a scan, while writers go on.';
revoke all on function audit._start_summary(integer) from public;
