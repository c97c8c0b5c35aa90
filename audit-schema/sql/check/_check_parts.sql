-- The files in which the rows of a table are, each with the number of its blocks: one for each partition. Tables that
-- inherit are read through their parent, all at once, because the right to read them goes with the parent.
create or replace function audit._check_parts(target regclass)
    returns table (part oid, blocks bigint)
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    with recursive member as (
        select target::oid as relation
        union
        select i.inhrelid from pg_inherits i join member m on m.relation = i.inhparent
    ), file as (
        select c.oid as relation, c.relispartition, pg_relation_size(c.oid) / current_setting('block_size')::bigint as blocks
        from member m
        join pg_class c on c.oid = m.relation
        where c.relkind = 'r'
    )
    select case when f.relispartition then f.relation else target::oid end, max(f.blocks)
    from file f
    group by 1;
$$;

comment on function audit._check_parts(regclass) is 'The files in which the rows of a table are, each with the number of its blocks.';
revoke all on function audit._check_parts(regclass) from public;
