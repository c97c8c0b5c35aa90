-- Starts watching a table: from the end of the transaction every change is logged. Calling it again changes nothing but
-- the reason and the owner. Runs with the rights of the caller, who must own the table: he lends the pipeline the rights
-- that it needs on it.
create or replace function audit.watch(target regclass, why text default '', owner text default '')
    returns integer
    language plpgsql
    volatile
as $$
#variable_conflict use_variable
declare
    relation record;
    lent text;
    result integer;
begin
    select c.relkind, c.relpersistence, c.relnamespace::regnamespace as schema, c.relname, c.relispartition
    into relation
    from pg_catalog.pg_class c
    where c.oid = target;

    if relation.relkind not in ('r', 'p') or relation.relpersistence = 't'
        or relation.schema::text in ('pg_catalog', 'information_schema', 'audit', 'audit_compiled')
    then
        raise exception using
            errcode = 'AU002',
            constraint = 'relation_can_not_be_watched',
            message = pg_catalog.format('%s can not be watched: it is %s', target, case
                when relation.relpersistence = 't' then 'a temporary table'
                when relation.schema::text in ('audit', 'audit_compiled') then 'part of the pipeline itself'
                when relation.relkind not in ('r', 'p') then 'not a table'
                else 'a system table'
            end),
            hint = 'Watch ordinary or partitioned tables; for a view, the tables it reads.';
    end if;
    if exists (
        select from audit._relatives(target) p
        join pg_catalog.pg_class c on c.oid = p.relid
        where c.relkind = 'f'
    ) then
        raise exception using
            errcode = 'AU002',
            constraint = 'relation_can_not_be_watched',
            message = pg_catalog.format('%s can not be watched: one of its partitions or children is a foreign table', target),
            hint = 'PostgreSQL refuses transition tables there, so that every write would fail.';
    end if;
    if relation.relispartition and exists (
        select from audit.watched_table w
        where w.unwatched_at is null and w.relation in (select a.relid from pg_catalog.pg_partition_ancestors(target) a where a.relid <> target)
    ) then
        raise exception using
            errcode = 'AU002',
            constraint = 'relation_can_not_be_watched',
            message = pg_catalog.format('%s is a partition of a table that is watched already', target),
            hint = 'Its changes are logged with those of the parent.';
    end if;

    perform audit._refuse_hidden_rows(target);
    -- Of two sessions that grant on one schema at once, the second fails once the first has committed. Then it is done.
    for attempt in 1 .. 100 loop
        begin
            for lent in select r.command from audit._missing_rights(target) r loop
                execute lent;
            end loop;
            exit;
        exception when internal_error then
            if attempt = 100 then
                raise;
            end if;
        end;
    end loop;

    select w.table_id into result from audit.watched_table w where w.relation = target and w.unwatched_at is null;
    if found then
        update audit.watched_table w
        set why = watch.why, owner = watch.owner
        where w.table_id = result and (w.why, w.owner) is distinct from (watch.why, watch.owner);
    else
        insert into audit.watched_table (relation, name, why, owner, key_columns)
        select
            target,
            pg_catalog.format('%I.%I', n.nspname, c.relname),
            why,
            owner,
            coalesce(
                (
                    select pg_catalog.array_agg(a.attname::text order by k.position)
                    from pg_catalog.pg_index i
                    cross join pg_catalog.unnest(i.indkey) with ordinality k (attnum, position)
                    join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
                    where i.indrelid = target and i.indisprimary
                ),
                '{}'
            )
        from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where c.oid = target
        returning table_id into result;
        perform audit.compile(target);
    end if;
    return result;
end;
$$;

comment on function audit.watch(regclass, text, text) is 'Starts watching a table. Calling it again changes nothing but the reason and the owner.';
revoke all on function audit.watch(regclass, text, text) from public;
