-- The summaries of a table that have to start from a scan: declared since the last audit.compile(), void because rows came
-- or went unseen, or broken when they were folded.
create or replace function audit._unstarted_summaries(table_id integer)
    returns setof integer
    language sql
    stable
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    select s.summary_id
    from audit.summary s
    where s.table_id = _unstarted_summaries.table_id
        and s.retired_at is null
        and (not s.standing or s.start_lsn = 'FFFFFFFF/FFFFFFFF' or s.broken is not null)
    order by s.summary_id;
$$;

comment on function audit._unstarted_summaries(integer) is 'The summaries of a table that have to start from a scan.';
revoke all on function audit._unstarted_summaries(integer) from public;
