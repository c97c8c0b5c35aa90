-- The columns of a table that go into the log, in their order, and the expression over audit_row that gives the logged
-- value. A plain column is written as to_json() writes it. Arrays, ranges and json are written as text, so that they come
-- back exactly as they were. A type outside pg_catalog goes through format(), which asks its output function: a cast that
-- a user defined must not run in the writer's statement. A float that is a key is a text, because a reader would write the
-- number 5e-324 otherwise. The rows of a table without any column are logged as rows of one that is always null, so that
-- they can be counted.
--
-- A redacted column is left out, and of a hashed one there is the hash of its text. A redacted column that became part of
-- the key later is hashed, so that rows can still be told apart. `which` asks for other columns than those that are logged:
--   shown   all, with a marker for what is redacted or hashed: for samples, and for rows in quarantine
--   known   those whose values the log has
--   whole   all, with their values
--   secret  those that are redacted or hashed, with their values
-- It is asked for dozens of times while a table is compiled, so it is in PL/pgSQL, which keeps its plan.
create or replace function audit._log_column(target regclass, which text default 'logged')
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
    ), written as (
        select
            b.attname::text as name,
            format_type(b.atttypid, b.atttypmod) as type,
            p.plain,
            t.typlen = -1 and t.typname <> 'numeric' as wide,
            case
                when p.plain then format('audit_row.%I', b.attname)
                when t.typnamespace = 'pg_catalog'::regnamespace and t.typtype in ('b', 'r', 'm') then format('audit_row.%I::text', b.attname)
                else format('case when num_nulls(audit_row.%1$I) = 0 then format(''%%s'', audit_row.%1$I) end', b.attname)
            end as value,
            b.attnum as position,
            case when h.redacted and not k.in_key then 'redacted' when h.redacted or h.hashed then 'hashed' end as hidden,
            h.table_id
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
        left join lateral (
            select w.table_id, b.attname = any (w.redact) as redacted, b.attname = any (w.hash) as hashed
            from audit.watched_table w
            where w.relation = target and w.unwatched_at is null
        ) h on true
    ), chosen as (
        select
            w.name,
            case when v.as_text then 'text' else w.type end as type,
            w.plain and not v.as_text as plain,
            w.wide and not v.as_text as wide,
            case
                when not v.as_text then w.value
                when which = 'shown' then format('''(%s)''::text', w.hidden)
                else format(
                    'encode(sha256((select audit._salt(%s)) || convert_to(%s, ''UTF8'')), ''hex'')',
                    w.table_id, case when w.plain then format('audit_row.%I::text', w.name) else w.value end
                )
            end as value,
            w.position
        from written w
        cross join lateral (select w.hidden is not null and which in ('logged', 'shown') as as_text) v
        where case which
            when 'logged' then w.hidden is distinct from 'redacted'
            when 'known' then w.hidden is null
            when 'secret' then w.hidden is not null
            else true
        end
    )
    select l.name, l.type, l.plain, l.wide, l.value
    from (
        select c.name, c.type, c.plain, c.wide, c.value, c.position from chosen c
        union all
        select '-', 'text', true, false, 'null::text', 0
        where not exists (select from chosen) and which <> 'secret'
    ) l (name, type, plain, wide, value, position)
    order by l.position;
end;
$$;

comment on function audit._log_column(regclass, text) is 'The columns of a table that go into the log and the expressions that give their values; with `which`, other choices of columns.';
revoke all on function audit._log_column(regclass, text) from public;
