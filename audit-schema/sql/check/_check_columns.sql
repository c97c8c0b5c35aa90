-- What tells the rows of a table apart when it is read in batches: the columns of its primary key with their types, or,
-- where an index can not give rows in the order of a key, the place of the row in its file (ctid).
create or replace function audit._check_columns(target regclass, out by_key boolean, out columns text[], out types text[])
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select
        coalesce(k.columns is not null, false),
        coalesce(k.columns, array['ctid']),
        coalesce(k.types, array['tid'])
    from (
        select array_agg(a.attname::text order by n.position) as columns, array_agg(format_type(a.atttypid, a.atttypmod) order by n.position) as types
        from pg_index i
        join pg_class c on c.oid = i.indrelid
        join pg_class x on x.oid = i.indexrelid
        join pg_am m on m.oid = x.relam and m.amname = 'btree'
        cross join unnest(i.indkey::smallint[]) with ordinality n (attnum, position)
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = n.attnum
        where i.indrelid = target
            and i.indisprimary
            and i.indisvalid
            and n.position <= i.indnkeyatts
            -- How far a check came is kept, and so it must not be a key whose values must not be.
            and not exists (select from audit.watched_table w where w.relation = target and w.unwatched_at is null and audit._hidden_key(w))
            -- The rows of tables that inherit are read with those of the table, and their keys are not in its index.
            and (c.relkind = 'p' or not c.relhassubclass)
    ) k;
$$;

comment on function audit._check_columns(regclass) is 'What tells the rows of a table apart when it is read in batches.';
revoke all on function audit._check_columns(regclass) from public;
