-- The versions of one row, oldest first: who changed it, when, and what it was before and after, under the columns that
-- the table had then. The key is the primary key as text, a json array for a key of several columns. Where an update
-- changed the key, the row is followed back to its former keys and on to its later ones.
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
    set jit = off
as $$
#variable_conflict use_variable
declare
    watched audit.watched_table := audit._readable(target, needs_key => true);
begin
    -- A table that was watched before, and not for a while, has more than one number.
    return query
    select
        h.at, h.occurred_at, h.op, h.old_key, h.new_key, h.old, h.new,
        h.session_role, h.role, h.actor, h.application, h.client, h.request_id, h.cause, h.xid, h.lsn, h.sealed
    from (
        select distinct on (c.lsn, c.xid, c.place) c.*
        from audit.watched_table w
        cross join lateral audit._followed(w.table_id, key) c
        where w.relation = watched.relation
            and w.key_columns <> '{}'
    ) h
    order by h.lsn, h.place;
end;
$$;

comment on function audit.history(regclass, text) is 'The versions of one row, oldest first: who changed it, when, and what it was before and after.';
revoke all on function audit.history(regclass, text) from public;
