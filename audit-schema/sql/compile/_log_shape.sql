-- Tells log rows with other columns or another key apart: a hash of the names of the logged columns, in their order, of those
-- of the key, and of those that are hashed, whose values mean something else.
create or replace function audit._log_shape(target regclass)
    returns integer
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select hashtext(concat(
        json_agg(c.name order by c.position),
        (select concat(w.key_columns, nullif(w.hash, '{}')) from audit.watched_table w where w.relation = target and w.unwatched_at is null)
    ))
    from audit._log_column(target) with ordinality c (name, type, plain, wide, value, position);
$$;

comment on function audit._log_shape(regclass) is 'Tells log rows with other columns or another key apart.';
revoke all on function audit._log_shape(regclass) from public;
