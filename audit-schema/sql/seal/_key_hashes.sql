-- The hashes of primary keys of a watched table, in their order. Null for no keys.
create or replace function audit._key_hashes(table_id integer, keys text[])
    returns integer[]
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select array_agg(audit._key_hash(table_id, k.key) order by k.position)
    from unnest(keys) with ordinality k (key, position);
$$;

comment on function audit._key_hashes(integer, text[]) is 'The hashes of primary keys of a watched table, in their order.';
revoke all on function audit._key_hashes(integer, text[]) from public;
