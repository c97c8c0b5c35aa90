-- The query that packs few-row log rows of one kind and with the same columns into segments; $1 are their places. The
-- column number n of the rows before is called o<n>, that of the rows after n<n>. The rows come sorted, and no aggregate
-- asks for another order: from PostgreSQL 16 on, one that did would have the rows sorted its way for all. So the changes
-- of a segment are numbered as they first appear.
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
    )
    select audit._filled(
        $query$
select
    null::bigint, null::date, null::integer, null::"char",
    p.rows, p.lsn_lo, p.lsn_hi, p.xid_lo, p.xid_hi, p.at_lo, p.at_hi, p.key_lo, p.key_hi,
    p.keys, case when p.key_changes > 0 then p.old_keys end,
    p.contexts, case when json_array_length(p.contexts) > 1 then p.context_of end,
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
        case when count(r.key) > 0 then array_agg(r.key) end as keys,
        case when count(r.key) > 0 then array_agg(r.old_key) end as old_keys,
        count(*) filter (where r.old_key <> r.key) as key_changes,
        json_agg(r.context) filter (where r.place = r.first_place) as contexts,
        array_agg(r.change_of::smallint) as context_of,
        {aggregates}
    from (
        select r.*, dense_rank() over (partition by r.segment order by r.first_place) - 1 as change_of
        from (
            select r.*, min(r.place) over (partition by r.segment, r.lsn, r.xid) as first_place
            from (
                select r.*, (r.place - 1) / 1000 as segment
                from (
                    select r.*, row_number() over (order by r.key collate "C", r.lsn, r.position) as place
                    from (
                        select r.*, {key} as key, {old_key} as old_key
                        from (
                            select c.lsn, c.xid, c.at, audit._context(c.*) as context, 1::bigint as position, {single_values}
                            from audit.change c {single_sources}
                            where c.ctid = any ($1) and c.rows = 1
                            union all
                            select c.lsn, c.xid, c.at, x.context, e.position, {chunk_values}
                            from audit.change c
                            cross join lateral (select audit._context(c.*) as context offset 0) x
                            cross join rows from ({chunk_sources}) with ordinality e ({chunk_names}, position)
                            where c.ctid = any ($1) and c.rows > 1
                        ) r
                    ) r
                ) r
            ) r
        ) r
        order by r.place
    ) r
    group by r.segment
    order by r.segment
) p$query$,
        jsonb_build_object(
            'old', case when exists (select from side where name = 'old') then (select format('(select to_json(audit_object.*) from (select %s) audit_object)', string_agg(format('p.%I as %I', v.name, v.column_name), ', ' order by v.position)) from value v where v.side = 'old') else 'null::json' end,
            'new', case when exists (select from side where name = 'new') then (select format('(select to_json(audit_object.*) from (select %s) audit_object)', string_agg(format('p.%I as %I', v.name, v.column_name), ', ' order by v.position)) from value v where v.side = 'new') else 'null::json' end,
            'aggregates', (select string_agg(format('json_agg(r.%1$I) as %1$I', v.name), ', ' order by v.side, v.position) from value v),
            'key', (select k.expression from side_key k order by k.letter limit 1),
            'old_key', (select k.expression from side_key k order by k.letter desc limit 1),
            'single_values', (select string_agg(format('%s_row.%I as %I', v.side, v.column_name, v.name), ', ' order by v.side, v.position) from value v),
            'single_sources', (
                select string_agg(format('cross join json_to_record(c.%1$s) %1$s_row (%2$s)', s.name, (select string_agg(format('%I json', v.column_name), ', ' order by v.position) from value v where v.side = s.name)), ' ' order by s.name)
                from side s
            ),
            'chunk_values', (select string_agg(format('e.%I', v.name), ', ' order by v.side, v.position) from value v),
            'chunk_sources', (select string_agg(format('json_array_elements(c.%s -> %L)', v.side, v.column_name), ', ' order by v.side, v.position) from value v),
            'chunk_names', (select string_agg(format('%I', v.name), ', ' order by v.side, v.position) from value v)
        )
    );
$$;

comment on function audit._pack_query("char", text[], text[]) is 'The query that packs few-row log rows of one kind and with the same columns into segments.';
revoke all on function audit._pack_query("char", text[], text[]) from public;
