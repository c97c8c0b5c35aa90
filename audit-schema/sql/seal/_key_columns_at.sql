-- The columns of the primary key that a table had at a position of the log: a log row has the columns, and the names, of
-- its time. now_key is what the table has now.
create or replace function audit._key_columns_at(table_id integer, lsn pg_lsn, now_key text[])
    returns text[]
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(
        (
            select array(select jsonb_array_elements_text(d.was::jsonb))
            from audit.schema_drift d
            where d.table_id = _key_columns_at.table_id
                and d.change = 'key changed'
                and d.lsn > _key_columns_at.lsn
            order by d.lsn
            limit 1
        ),
        now_key,
        '{}'
    );
$$;

comment on function audit._key_columns_at(integer, pg_lsn, text[]) is 'The columns of the primary key that a table had at a position of the log.';
revoke all on function audit._key_columns_at(integer, pg_lsn, text[]) from public;
