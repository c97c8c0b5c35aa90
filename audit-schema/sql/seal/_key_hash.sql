-- The hash of a primary key of a watched table, by which segments are found. It has no settings of its own, so that
-- PostgreSQL can put it in the place of its call.
create or replace function audit._key_hash(table_id integer, key text)
    returns integer
    language sql
    immutable
as $$
    select pg_catalog.hashtextextended(key, table_id)::pg_catalog.bit(32)::pg_catalog.int4;
$$;

comment on function audit._key_hash(integer, text) is 'The hash of a primary key of a watched table, by which segments are found.';
revoke all on function audit._key_hash(integer, text) from public;
