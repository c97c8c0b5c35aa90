-- Edits rows that wait in quarantine: the columns that the patch names get its values, written as json. Old and new values
-- are recorded with the reason. The values must fit their columns; the rules are asked when the row is released. A column
-- that the table no longer has may be set to null, which drops it. What is redacted or hashed is recorded
-- without its values. The filter is that of audit._select_held().
create or replace function audit.edit_held(
    filter jsonb,
    patch jsonb,
    reason text default null,
    dry_run boolean default false,
    most bigint default 10000
)
    returns table (quarantine_id uuid, table_name text, key text, outcome text, old json, new json)
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set datestyle = iso, ymd
    set timezone = utc
    set intervalstyle = postgres
    set extra_float_digits = 1
    set bytea_output = hex
as $$
#variable_conflict use_variable
declare
    wanted uuid[] := array(
        select f.id from audit._select_held(filter, most) f (id)
        union
        select i.id::uuid from jsonb_array_elements_text(filter -> 'ids') i (id)
    );
    place record;
    patched json;
    shown json;
    secret json;
    held uuid[] := '{}';
    edited uuid[] := '{}';
    olds json[] := '{}';
    news json[] := '{}';
begin
    for place in
        select q.table_id, w.relation, w.name, w as watched, array_agg(q.quarantine_id) as ids, bool_and(q.op = 'I' and q.mode = 'set_aside') as inserts_only
        from audit._lock_held(wanted) q
        join audit.watched_table w using (table_id)
        group by q.table_id, w.relation, w.name, w.*
        order by q.table_id
    loop
        if not exists (select from pg_class c where c.oid = place.relation) then
            raise exception using
                errcode = 'AU002',
                constraint = 'table_is_gone',
                message = format('the table %s was dropped', place.name),
                hint = 'Discard its rows.';
        end if;
        patched := audit._patch_values(place.relation, patch, place.inserts_only);
        shown := audit._patch_values(place.relation, patch, place.inserts_only, 'shown');
        secret := audit._patch_values(place.relation, patch, place.inserts_only, 'secret');
        held := held || place.ids;

        select
            edited || coalesce(array_agg(e.id), '{}'),
            olds || coalesce(array_agg(e.old), '{}'),
            news || coalesce(array_agg(e.new), '{}')
        into edited, olds, news
        from (
            select
                q.quarantine_id as id,
                json_object_agg(p.key, case when p.key = any (audit._hidden(q.table_id)) then shown -> p.key else q.row -> p.key end order by p.key) as old,
                json_object_agg(p.key, shown -> p.key order by p.key) as new
            from audit.quarantine q
            join audit._held(place.ids) h using (quarantine_id)
            cross join jsonb_object_keys(patch) p (key)
            where (h.row -> p.key)::text is distinct from (patched -> p.key)::text
            group by q.quarantine_id
        ) e;
        continue when dry_run;

        -- json_each() leaves every other value as it was written.
        update audit.quarantine q
        set row = r.row,
            key = case when q.mode = 'hide' then q.key else audit._key(r.row::jsonb, (place.watched).key_columns) end,
            restored = case when q.mode = 'hide' then coalesce(q.restored, q.row) else q.restored end
        from audit.quarantine b
        cross join lateral (
            select json_object_agg(f.key, f.value) as row
            from (
                select o.key, coalesce(shown -> o.key, o.value)
                from json_each(b.row) o
                where not patch ? o.key or shown -> o.key is not null
                union all
                select n.key, n.value
                from json_each(shown) n
                where b.row -> n.key is null
            ) f (key, value)
        ) r
        where q.quarantine_id = b.quarantine_id
            and q.quarantine_id = any (place.ids)
            and q.quarantine_id = any (edited);
        perform audit._keep_secret(place.watched, array(select i from unnest(place.ids) i where i = any (edited)), secret);
    end loop;

    if not dry_run then
        insert into audit.quarantine_event (quarantine_id, kind, reason, old, new)
        select e.id, 'edited', reason, e.old, e.new from unnest(edited, olds, news) e (id, old, new);
    end if;

    return query
    select
        i.id, w.name, q.key,
        case when e.id is not null then 'edited' when i.id = any (held) then 'unchanged' else coalesce('already ' || q.state, 'unknown') end,
        e.old, e.new
    from unnest(wanted) i (id)
    left join unnest(edited, olds, news) e (id, old, new) on e.id = i.id
    left join audit.quarantine q on q.quarantine_id = i.id
    left join audit.watched_table w on w.table_id = q.table_id
    order by q.lsn, i.id;
end;
$$;

comment on function audit.edit_held(jsonb, jsonb, text, boolean, bigint) is 'Edits rows that wait in quarantine, and records the old and the new values.';
revoke all on function audit.edit_held(jsonb, jsonb, text, boolean, bigint) from public;
