-- The versions of one row, oldest first: who changed it, when, and what it was before and after, under the columns that
-- the table had then. The key is the primary key as text, a json array for a key of several columns. Where an update
-- changed the key, the row is followed back to its former keys and on to its later ones. What an update of many rows did
-- not change comes from the versions before and after it; of a row that is older than the watch, and that only such updates
-- changed, there are only the columns that they did. Redacted columns are not in it, and of hashed ones there is the hash.
-- Where the key is hashed the row is found by the hash, and by the key itself for whoever may read the table: nobody else can
-- try keys. A notice says where the log begins if retention dropped what was before.
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
    if watched.kept_from is not null then
        raise notice 'the log of % begins at %: retention dropped what was before', target, watched.kept_from;
    end if;
    -- A table that was watched before, and not for a while, has more than one number.
    return query
    with logged as materialized (
        select
            h.*,
            row_number() over earlier as version,
            coalesce(h.op <> 'I' and lag(h.op) over earlier <> 'D' and lag(h.new_key) over earlier = h.old_key, false) as follows
        from (
            select distinct on (c.lsn, c.xid, c.place) c.*
            from audit.watched_table w
            cross join lateral audit._followed(w.table_id, case when has_table_privilege(session_user, w.relation, 'select') then audit._hashed_key(w, key) else key end) c
            where w.relation = watched.relation
                and w.key_columns <> '{}'
        ) h
        window earlier as (order by h.lsn, h.place)
    )
    select
        h.at, h.occurred_at, h.op, h.old_key, h.new_key, v.old, v.new,
        h.session_role, h.role, h.actor, h.application, h.client, h.request_id, h.cause, h.xid, h.lsn, h.sealed
    from (
        select
            array_agg(h.old order by h.version) as olds,
            array_agg(h.new order by h.version) as news,
            array_agg(h.shape order by h.version) as shapes,
            array_agg(h.follows order by h.version) as follows
        from logged h
    ) a
    cross join lateral audit._completed(a.olds, a.news, a.shapes, a.follows) v
    join logged h on h.version = v.version
    order by h.version;
end;
$$;

comment on function audit.history(regclass, text) is 'The versions of one row, oldest first: who changed it, when, and what it was before and after.';
revoke all on function audit.history(regclass, text) from public;
