-- How long what belongs to each table is kept, of one kind: as declared for the table, else for all. Tables whose rows of that
-- kind are kept for ever are not in it; tables that are not watched any more are.
create or replace function audit._kept(kind text)
    returns table (table_id integer, keep interval)
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select w.table_id, k.keep
    from audit.watched_table w
    left join audit.retention r on r.kind = _kept.kind
    cross join lateral (
        select case when w.retain ? _kept.kind then nullif(w.retain ->> _kept.kind, 'forever')::interval else r.keep::interval end as keep
    ) k
    where k.keep is not null;
$$;

comment on function audit._kept(text) is 'How long what belongs to each table is kept, of one kind, where that is not for ever.';
revoke all on function audit._kept(text) from public;
