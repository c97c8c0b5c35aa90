-- The query that turns a transition table into log chunks: rows, lowest and highest key, one json array per column, called
-- c1, c2 and so on. To be compared, they are arrays of PostgreSQL, which are made in less time and compared as images: what
-- differs in any way differs. Its caller has set chunk_rows, so that no chunk grows past some megabytes. The bounds of an integer
-- key come from the numbers, which is cheaper by far than comparing texts; where their texts would not sort as the numbers
-- do, the bounds take in every number.
create or replace function audit._log_chunks(target regclass, key_columns text[], transition_table text, to_compare boolean default false)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    with key as (
        select
            cardinality(key_columns) = 1 and bool_and(c.type in ('smallint', 'integer', 'bigint')) as whole_number,
            case when cardinality(key_columns) = 1 then format('audit_row.%I', key_columns[1]) end as value
        from audit._log_column(target) c
        where c.name = any (key_columns)
    )
    select format(
        $query$
                select
                    audit_row."audit part" as part,
                    count(*)::integer as rows,
                    %1$s,
                    %2$s
                from (select audit_row.*, (row_number() over () - 1) / chunk_rows as "audit part" from %3$I audit_row) audit_row
                group by audit_row."audit part"$query$,
        case when min(k.value) filter (where k.whole_number) is not null
            then format(
                'case when min(%1$s) >= 0 and length(min(%1$s)::text) = length(max(%1$s)::text) then min(%1$s)::text else ''-'' end as key_lo,
                    case when min(%1$s) >= 0 and length(min(%1$s)::text) = length(max(%1$s)::text) then max(%1$s)::text else ''~'' end as key_hi',
                min(k.value)
            )
            else format('min((%1$s) collate "C") as key_lo,
                    max((%1$s) collate "C") as key_hi', audit._log_key(target, key_columns))
        end,
        string_agg(
            format(
                case
                    when not to_compare then 'json_agg(%s) as c%s'
                    -- A few types of pg_catalog have no arrays.
                    when c.plain and not exists (select from pg_attribute a join pg_type t on t.oid = a.atttypid where a.attrelid = target and a.attname = c.name and t.typarray <> 0) then 'array_agg(%s::text) as c%s'
                    else 'array_agg(%s) as c%s'
                end,
                c.value, c.position
            ),
            E',\n                    ' order by c.position
        ),
        transition_table
    )
    from audit._log_column(target) with ordinality c (name, type, plain, wide, value, position)
    cross join key k;
$$;

comment on function audit._log_chunks(regclass, text[], text, boolean) is 'The query that turns a transition table into log chunks.';
revoke all on function audit._log_chunks(regclass, text[], text, boolean) from public;
