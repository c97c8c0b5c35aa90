-- The key under which the log knows a row: the key itself, or, where key columns are hashed, the same with their hashes.
-- What is a hash already stays as it is.
create or replace function audit._hashed_key(watched audit.watched_table, key text)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select case
        when not audit._hidden_key(watched) then key
        when cardinality(watched.key_columns) = 1 then (
            select case when key ~ '^[0-9a-f]{64}$' then key else encode(sha256(audit._salt(watched.table_id) || convert_to(key, 'UTF8')), 'hex') end
        )
        else (
            select json_build_array(variadic array_agg(
                case
                    when c.name = any (watched.redact || watched.hash) and e.value #>> '{}' !~ '^[0-9a-f]{64}$'
                        then to_json(encode(sha256(audit._salt(watched.table_id) || convert_to(e.value #>> '{}', 'UTF8')), 'hex'))
                    else e.value
                end
                order by e.position
            ))::text
            from json_array_elements(key::json) with ordinality e (value, position)
            join unnest(watched.key_columns) with ordinality c (name, position) using (position)
        )
    end;
$$;

comment on function audit._hashed_key(audit.watched_table, text) is 'The key under which the log knows a row.';
revoke all on function audit._hashed_key(audit.watched_table, text) from public;
