-- The changes of one primary key: those that found a row under it or left one there.
create or replace function audit._changes_of(table_id integer, key text)
    returns table (
        lsn pg_lsn, place bigint, at timestamptz, occurred_at timestamptz, op "char", old_key text, new_key text, old jsonb, new jsonb,
        session_role text, role text, actor text, application text, client inet, request_id text, cause text,
        xid xid8, sealed boolean, shape integer
    )
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    key_columns text[] := (select w.key_columns from audit.watched_table w where w.table_id = _changes_of.table_id);
begin
    return query
    select
        h.lsn, h.place, h.at, h.occurred_at, h.op, h.old_key, h.new_key, h.old, h.new,
        h.session_role, h.role, h.actor, h.application, h.client, h.request_id, h.cause, h.xid, h.sealed, h.shape
    from (
        select
            c.lsn, p.place, c.at, c.occurred_at, c.op, r.old_key, r.new_key, r.old, r.new,
            c.session_role, nullif(c.role, 'none') as role, c.actor, c.application, c.client, c.request_id, c.cause, c.xid,
            false as sealed, c.shape
        from audit.change c
        cross join lateral (
            select 1::bigint as place, c.old::jsonb as old, c.new::jsonb as new
            where c.rows = 1
            union all
            select k.place, audit._row_at(c.old, k.place), audit._row_at(c.new, k.place)
            from (
                select unnest(array_positions(audit._keys(c.old, key_columns), key))::bigint
                union
                select unnest(array_positions(audit._keys(c.new, key_columns), key))::bigint
            ) k (place)
            where c.rows > 1
            offset 0
        ) p
        cross join lateral audit._paired(p.old, p.new, key_columns) r
        where c.table_id = table_id
            and c.key_lo <= key
            and c.key_hi >= key
            and c.op <> 'T'
        union all
        select
            coalesce(s.lsns[p.place], s.lsns[1]), p.place, coalesce(s.ats[p.place], s.ats[1]),
            case when cardinality(s.lsns) = 1 then s.occurred_ats[1] else s.occurred_ats[p.place] end,
            s.op, r.old_key, r.new_key, r.old, r.new,
            x.context ->> 'session_role', x.context ->> 'role', x.context ->> 'actor', x.context ->> 'application',
            (x.context ->> 'client')::inet, x.context ->> 'request_id', x.context ->> 'cause', coalesce(s.xids[p.place], s.xids[1]),
            true, s.shape
        from audit._segments_with_key(table_id, key) s
        cross join lateral unnest(s.places) p (place)
        cross join lateral (select audit._row_at(s.old, p.place) as old, audit._row_at(s.new, p.place) as new offset 0) i
        cross join lateral audit._paired(i.old, i.new, key_columns) r
        cross join lateral (select audit._context_at(s.contexts, p.place) as context offset 0) x
    ) h
    where h.old_key = key or h.new_key = key
    order by h.lsn, h.place;
end;
$$;

comment on function audit._changes_of(integer, text) is 'The changes of one primary key: those that found a row under it or left one there.';
revoke all on function audit._changes_of(integer, text) from public;
