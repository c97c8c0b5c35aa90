-- Enters a table as watched without attaching anything to it, so that rules and summaries can be tried on it. Only a plan
-- calls this, in a transaction that it rolls back: writers of the table notice nothing.
create or replace function audit._preview_watch(target regclass)
    returns integer
    language sql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
    insert into audit.watched_table (relation, name, key_columns)
    select
        target,
        format('%I.%I', n.nspname, c.relname),
        coalesce(
            (
                select array_agg(a.attname::text order by k.position)
                from pg_index i
                cross join unnest(i.indkey) with ordinality k (attnum, position)
                join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
                where i.indrelid = target and i.indisprimary
            ),
            '{}'
        )
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.oid = target
    returning table_id;
$$;

comment on function audit._preview_watch(regclass) is 'Enters a table as watched without attaching anything to it; for plans, which roll back.';
revoke all on function audit._preview_watch(regclass) from public;
