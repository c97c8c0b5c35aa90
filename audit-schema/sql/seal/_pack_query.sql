-- The query that packs few-row log rows of one kind and with the same columns into segments of up to 1,000 rows and some
-- 8 MB; $1 are their places, $2 is the number of the table. The column number n of the rows before is called o<n>, that
-- of the rows after n<n>. The rows come sorted, and no aggregate asks for another order: from PostgreSQL 16 on, one that
-- did would have the rows sorted its way for all. What is known about a change besides its rows is packed like a column,
-- too: one value where it is the same for all rows. No query can have as many columns as two versions of a very wide row,
-- so those are packed as whole objects, which is slower.
create or replace function audit._pack_query(op "char", columns text[], key_columns text[])
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    with side as (
        select s.name, s.letter
        from (values ('old', 'o'), ('new', 'n')) s (name, letter)
        where (s.name = 'old' and op in ('U', 'D')) or (s.name = 'new' and op in ('U', 'I'))
    ), value as (
        select s.name as side, s.letter || c.position as name, c.name as column_name, c.position
        from side s
        cross join unnest(columns) with ordinality c (name, position)
    ), side_key as (
        -- Key columns as positions, so that the key is read from the values above.
        select s.letter, case when key_columns <@ columns then audit._key_of('r.%I', array(
            select s.letter || array_position(columns, k) from unnest(key_columns) k
        )) else 'null::text' end as expression
        from side s
    ), context as (
        select c.name, c.position
        from unnest('{session_role,role,actor,application,client,request_id,cause}'::text[]) with ordinality c (name, position)
    )
    select audit._filled(
        replace($query$
select
    null::bigint, null::date, null::integer, null::"char",
    p.rows, null::integer, p.lsn_lo, p.lsn_hi, p.xid_lo, p.xid_hi, p.at_lo, p.at_hi, p.key_lo, p.key_hi,
    case when p.key_changes > 0 then p.key_hashes || p.old_key_hashes else p.key_hashes end, null::smallint,
    case when p.lsn_lo = p.lsn_hi and p.xid_lo = p.xid_hi then p.lsns[:1] else p.lsns end,
    case when p.lsn_lo = p.lsn_hi and p.xid_lo = p.xid_hi then p.xids[:1] else p.xids end,
    case when p.lsn_lo = p.lsn_hi and p.xid_lo = p.xid_hi then p.ats[:1] else p.ats end,
    p.occurred_ats,
    json_strip_nulls((select to_json(audit_context.*) from (select {contexts}) audit_context)),
    {old}, {new},
    null::bytea, null::bytea
from (
    select
        count(*)::integer as rows,
        min(r.lsn) as lsn_lo, max(r.lsn) as lsn_hi,
        min(r.xid::text::bigint)::text::xid8 as xid_lo, max(r.xid::text::bigint)::text::xid8 as xid_hi,
        min(r.at) as at_lo, max(r.at) as at_hi,
        min(least(r.key collate "C", r.old_key collate "C")) as key_lo,
        max(greatest(r.key collate "C", r.old_key collate "C")) as key_hi,
        case when count(r.key) > 0 then array_agg(audit._key_hash($2, r.key)) end as key_hashes,
        case when count(r.key) > 0 then array_agg(audit._key_hash($2, r.old_key)) end as old_key_hashes,
        count(*) filter (where r.old_key <> r.key) as key_changes,
        array_agg(r.lsn) as lsns,
        array_agg(r.xid) as xids,
        array_agg(r.at) as ats,
        case when count(r.occurred_at) > 0 then array_agg(r.occurred_at) end as occurred_ats,
        {packed_contexts},
        {aggregates}
    from (
        select r.*, (r.place - 1) / 1000 as thousand, r.bytes_before / 8388608 as volume
        from (
            select
                r.*,
                row_number() over earlier as place,
                sum(r.bytes) over earlier - r.bytes as bytes_before
            from (
                select r.*, {key} as key, {old_key} as old_key
                from ({rows}
                ) r
            ) r
            window earlier as (order by r.key collate "C", r.lsn, r.position rows unbounded preceding)
        ) r
        order by thousand, volume, r.place
    ) r
    group by r.thousand, r.volume
    order by r.thousand, r.volume
) p$query$,
            '{rows}',
            case when w.wide
                then $rows$
                    select {context_names}, {bytes}, e.place as position, e.old_key as before_key, e.new_key as after_key, e.old, e.new
                    from audit.change c
                    cross join lateral audit._rows(c.rows, c.old, c.new, {key_columns}) e
                    where c.ctid = any ($1)$rows$
                else $rows$
                    select {context_names}, {bytes}, 1::bigint as position, {single_values}
                    from audit.change c {single_sources}
                    where c.ctid = any ($1) and c.rows = 1
                    union all
                    select {context_names}, {bytes}, e.position, {chunk_values}
                    from audit.change c
                    cross join rows from ({chunk_sources}) with ordinality e ({chunk_names}, position)
                    where c.ctid = any ($1) and c.rows > 1$rows$
            end
        ),
        jsonb_build_object(
            'old', case when exists (select from side where name = 'old') then (select format('(select to_json(audit_object.*) from (select %s) audit_object)', string_agg(format('p.%I as %I', v.name, v.column_name), ', ' order by v.position)) from value v where v.side = 'old') else 'null::json' end,
            'new', case op
                when 'I' then (select format('(select to_json(audit_object.*) from (select %s) audit_object)', string_agg(format('p.%I as %I', v.name, v.column_name), ', ' order by v.position)) from value v where v.side = 'new')
                -- Columns that no row changed are left out, but for the key.
                when 'U' then (
                    select format(
                        '(select coalesce(json_object_agg(v.name, v.value order by v.position), ''{}'') from (values %s) v (position, name, value, before, in_key) where v.in_key or v.value::text <> v.before::text)',
                        string_agg(format('(%1$s, %2$L, p.n%1$s, p.o%1$s, %3$s)', v.position, v.column_name, (v.column_name = any (key_columns))::text), ', ' order by v.position)
                    )
                    from value v
                    where v.side = 'new'
                )
                else 'null::json'
            end,
            'aggregates', (select string_agg(format('json_agg(r.%1$I) as %1$I', v.name), ', ' order by v.side, v.position) from value v),
            'contexts', (select string_agg(format('p.%1$I', c.name), ', ' order by c.position) from context c),
            'packed_contexts', (
                select string_agg(
                    format('case when count(r.%1$I) = 0 then null when count(r.%1$I) = count(*) and min(r.%1$I) = max(r.%1$I) then to_json(min(r.%1$I)) else json_agg(r.%1$I) end as %1$I', c.name),
                    E',\n        ' order by c.position
                )
                from context c
            ),
            -- How much is stored says how much it is, but for what is stored compressed.
            'bytes', 'case when coalesce(pg_column_size(c.old), 0) + coalesce(pg_column_size(c.new), 0) < 1000 then 1000 else (coalesce(octet_length(c.old::text), 0) + coalesce(octet_length(c.new::text), 0)) / c.rows end as bytes',
            'context_names', 'c.lsn, c.xid, c.at, c.occurred_at, c.session_role, nullif(c.role, ''none'') as role, c.actor, c.application, c.client, c.request_id, c.cause',
            'key', (select k.expression from side_key k order by k.letter limit 1),
            'old_key', (select k.expression from side_key k order by k.letter desc limit 1),
            'single_values', (select string_agg(format('%s_row.%I as %I', v.side, v.column_name, v.name), ', ' order by v.side, v.position) from value v),
            'single_sources', (
                select string_agg(format('cross join json_to_record(c.%1$s) %1$s_row (%2$s)', s.name, (select string_agg(format('%I json', v.column_name), ', ' order by v.position) from value v where v.side = s.name)), ' ' order by s.name)
                from side s
            ),
            'chunk_values', (select string_agg(format('e.%I', v.name), ', ' order by v.side, v.position) from value v),
            -- What an update of many rows left alone stands on the old side only.
            'chunk_sources', (
                select string_agg(
                    format(case when op = 'U' and v.side = 'new' then 'json_array_elements(coalesce(c.new -> %L, c.old -> %1$L))' else 'json_array_elements(c.' || v.side || ' -> %L)' end, v.column_name),
                    ', ' order by v.side, v.position
                )
                from value v
            ),
            'chunk_names', (select string_agg(format('%I', v.name), ', ' order by v.side, v.position) from value v)
        ) || case when w.wide then jsonb_build_object(
            'key_columns', format('%L::text[]', case when key_columns <@ columns then key_columns else '{}' end),
            'key', 'r.after_key',
            'old_key', 'r.before_key',
            'aggregates', 'array_agg(r.old) as olds, array_agg(r.new) as news',
            'old', case when op in ('U', 'D') then 'audit._columnar(p.olds)' else 'null::json' end,
            'new', case op
                when 'I' then 'audit._columnar(p.news)'
                when 'U' then format('audit._columnar(p.news, p.olds, %L)', key_columns)
                else 'null::json'
            end
        ) else '{}' end
    )
    from (select cardinality(columns) > 500 as wide) w;
$$;

comment on function audit._pack_query("char", text[], text[]) is 'The query that packs few-row log rows of one kind and with the same columns into segments.';
revoke all on function audit._pack_query("char", text[], text[]) from public;
