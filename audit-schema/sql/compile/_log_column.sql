-- The columns of a table that go into the log, in their order, and the expression over audit_row that gives the logged
-- value. A plain column is written as to_json() writes it. Arrays, ranges and json are written as text, so that they come
-- back exactly as they were. A type outside pg_catalog goes through format(), which asks its output function: a cast that
-- a user defined must not run in the writer's statement. A float that is a key is a text, because a reader would write the
-- number 5e-324 otherwise. The rows of a table without any column are logged as rows of one that is always null, so that
-- they can be counted.
-- It is asked for dozens of times while a table is compiled, so it is in PL/pgSQL, which keeps its plan.
create or replace function audit._log_column(target regclass)
    returns table (name text, type text, plain boolean, wide boolean, value text)
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
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
    select l.name, l.type, l.plain, l.wide, l.value
    from (
        select
            b.attname::text,
            format_type(b.atttypid, b.atttypmod),
            p.plain,
            t.typlen = -1 and t.typname <> 'numeric',
            case
                when p.plain then format('audit_row.%I', b.attname)
                when t.typnamespace = 'pg_catalog'::regnamespace and t.typtype in ('b', 'r', 'm') then format('audit_row.%I::text', b.attname)
                else format('case when num_nulls(audit_row.%1$I) = 0 then format(''%%s'', audit_row.%1$I) end', b.attname)
            end,
            b.attnum
        from base b
        join pg_type t on t.oid = b.base_type and t.typtype <> 'd'
        cross join lateral (
            select exists (
                select from audit.watched_table w
                where w.relation = target and w.unwatched_at is null and b.attname = any (w.key_columns)
            ) as in_key
        ) k
        cross join lateral (
            select t.typnamespace = 'pg_catalog'::regnamespace
                and t.typtype = 'b'
                and t.typcategory <> 'A'
                and t.typname not in ('json', 'jsonb', 'xml')
                and not (t.typname in ('float4', 'float8') and k.in_key) as plain
        ) p
        union all
        select '-', 'text', true, false, 'null::text', 0
        where not exists (select from base)
    ) l (name, type, plain, wide, value, position)
    order by l.position;
end;
$$;

comment on function audit._log_column(regclass) is 'The columns of a table that go into the log, and whether to_json() may write them.';
revoke all on function audit._log_column(regclass) from public;
