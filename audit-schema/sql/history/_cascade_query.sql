-- The query that tells whether deleting the row with the key $1 would delete or change rows of other tables: those whose
-- foreign keys cascade. Null if there is no such foreign key.
create or replace function audit._cascade_query(target regclass, key_columns text[])
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select 'select ' || string_agg(
        format(
            'exists (select from %s audit_child join %s audit_row on %s where %s and (audit_child.tableoid, audit_child.ctid) <> (audit_row.tableoid, audit_row.ctid))',
            f.conrelid::regclass, target, j.condition, audit._key_is(target, key_columns, '$1')
        ),
        ' or '
    )
    from pg_constraint f
    cross join lateral (
        select string_agg(format('audit_child.%I = audit_row.%I', c.attname, p.attname), ' and ') as condition
        from unnest(f.conkey, f.confkey) k (child, parent)
        join pg_attribute c on c.attrelid = f.conrelid and c.attnum = k.child
        join pg_attribute p on p.attrelid = f.confrelid and p.attnum = k.parent
    ) j
    where f.contype = 'f'
        and f.confrelid = target
        and f.confdeltype in ('c', 'n', 'd')
        and f.conparentid = 0;
$$;

comment on function audit._cascade_query(regclass, text[]) is 'The query that tells whether deleting a row would delete or change rows of other tables.';
revoke all on function audit._cascade_query(regclass, text[]) from public;
