-- The versions of one row, oldest first: who changed it, when, and what it was before and after. The key is the primary
-- key as text, a json array for a key of several columns. Changes of the key are followed one step: under the new key
-- and under the old one.
create or replace function audit.history(target regclass, key text)
    returns table (
        at timestamptz, occurred_at timestamptz, op "char", old_key text, new_key text, old jsonb, new jsonb,
        session_role text, role text, actor text, application text, client inet, request_id text, cause text,
        xid xid8, lsn pg_lsn, sealed boolean
    )
    language plpgsql
    stable
    security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
    return query
    select
        h.at, h.occurred_at, h.op, h.old_key, h.new_key, h.old, h.new,
        h.session_role, h.role, h.actor, h.application, h.client, h.request_id, h.cause, h.xid, h.lsn, h.sealed
    from (
        select
            c.occurred_at, c.at, c.op, r.old_key, r.new_key, r.old, r.new,
            c.session_role, nullif(c.role, 'none') as role, c.actor, c.application, c.client, c.request_id, c.cause,
            c.xid, c.lsn, r.place, false as sealed
        from audit.watched_table w
        join audit.change c using (table_id)
        cross join lateral audit._rows(c.rows, c.old, c.new, w.key_columns) r
        where w.relation = target
            and c.key_lo <= key
            and c.key_hi >= key
            and c.op <> 'T'
        union all
        select
            r.occurred_at, r.at, s.op, r.old_key, r.new_key, r.old, r.new,
            r.session_role, r.role, r.actor, r.application, r.client, r.request_id, r.cause, r.xid, r.lsn, r.place, true
        from audit.watched_table w
        join audit.segment s using (table_id)
        cross join lateral audit._packed_rows(s, w.key_columns) r
        where w.relation = target
            and s.key_lo <= key
            and s.key_hi >= key
            and s.op <> 'T'
            and (key = any (s.keys) or key = any (s.old_keys))
    ) h
    where h.old_key = key or h.new_key = key
    order by h.lsn, h.place;
end;
$$;

comment on function audit.history(regclass, text) is 'The versions of one row, oldest first: who changed it, when, and what it was before and after.';
revoke all on function audit.history(regclass, text) from public;
