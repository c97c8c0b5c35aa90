-- The tables whose own triggers must carry the log of a watched table: itself, its partitions and the tables that inherit
-- from it, at any depth. A table that is watched by itself is left out: its statements are logged as its own.
create or replace function audit._relatives(target regclass)
    returns table (relid oid)
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    with recursive relative as (
        select target::oid as relid
        union
        select i.inhrelid
        from relative r
        join pg_inherits i on i.inhparent = r.relid
        where not exists (select from audit.watched_table w where w.relation = i.inhrelid and w.relation <> target and w.unwatched_at is null)
    )
    select r.relid from relative r;
$$;

comment on function audit._relatives(regclass) is 'The tables whose own triggers must carry the log of a watched table: itself, partitions and children.';
revoke all on function audit._relatives(regclass) from public;
