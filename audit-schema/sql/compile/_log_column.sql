-- The columns of a table that go into the log, in their order. A plain column is written as to_json() writes it. Others
-- are written as the text that their output function gives: a cast that a user defined must not run in the writer's
-- statement, and arrays, ranges and json come back exactly as they were.
create or replace function audit._log_column(target regclass)
    returns table (name text, type text, plain boolean, wide boolean)
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    with recursive base as (
        select a.attnum, a.attname, a.atttypid, a.atttypmod, a.atttypid as base_type
        from pg_attribute a
        where a.attrelid = target
            and a.attnum > 0
            and not a.attisdropped
            and a.attgenerated <> 'v'
        union all
        select b.attnum, b.attname, b.atttypid, b.atttypmod, t.typbasetype
        from base b
        join pg_type t on t.oid = b.base_type and t.typtype = 'd'
    )
    select
        b.attname::text,
        format_type(b.atttypid, b.atttypmod),
        t.typnamespace = 'pg_catalog'::regnamespace
            and t.typtype = 'b'
            and t.typcategory <> 'A'
            and t.typname not in ('json', 'jsonb', 'xml'),
        t.typlen = -1 and t.typname <> 'numeric'
    from base b
    join pg_type t on t.oid = b.base_type and t.typtype <> 'd'
    order by b.attnum;
$$;

comment on function audit._log_column(regclass) is 'The columns of a table that go into the log, and whether to_json() may write them.';
revoke all on function audit._log_column(regclass) from public;
