-- The expression that gives one side of a chunk of paired rows, audit_old or audit_new, as one json object with an array
-- per column. Columns that no row of the chunk changed are left out of both sides, but for the key and for what summaries
-- read; a chunk in which a key changed is whole, because a row is followed by its key. Without a key there is nothing to
-- follow a row by, so the old side is always whole. A chunk of one row is the plain object of that row, whole, as a
-- statement of one row logs it.
create or replace function audit._log_pair_object(table_id integer, side text)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    with logged as (
        select
            c.name,
            c.position,
            c.name = any (w.key_columns) as in_key,
            format('record_image_ne(row(audit_old.c%1$s), row(audit_new.c%1$s))', c.position) as changed,
            c.name = any (w.key_columns)
                or w.key_columns = '{}' and side = 'old'
                or exists (
                    select from audit.summary s
                    where s.table_id = w.table_id and (s.retired_at is null or s.standing) and s.definition -> 'columns' ? c.name
                ) as kept
        from audit.watched_table w
        cross join audit._log_column(w.relation) with ordinality c (name, type, plain, wide, value, position)
        where w.table_id = _log_pair_object.table_id
    )
    select format(
        '(select coalesce(json_object_agg(audit_column.name, case when audit_new.rows = 1 then audit_column.value -> 0 else audit_column.value end), ''{}'')'
        ' from (select audit_new.rows = 1%s as whole) audit_pair'
        ' cross join lateral (values %s) audit_column (name, value) where audit_column.value is not null)',
        (select string_agg(' or ' || l.changed, '' order by l.position) from logged l where l.in_key),
        (
            select string_agg(
                format(
                    case when l.kept then '(%L, array_to_json(audit_%s.c%s))' else '(%L, case when audit_pair.whole or %4$s then array_to_json(audit_%2$s.c%3$s) end)' end,
                    l.name, side, l.position, l.changed
                ),
                ', ' order by l.position
            )
            from logged l
        )
    );
$$;

comment on function audit._log_pair_object(integer, text) is 'The expression that gives one side of a chunk of paired rows as one json object with an array per column.';
revoke all on function audit._log_pair_object(integer, text) from public;
