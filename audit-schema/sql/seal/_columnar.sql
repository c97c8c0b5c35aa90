-- Rows as one object with an array per column, for tables with more columns than a query may have. Columns that no row
-- changed against the rows before are left out, but for the key.
create or replace function audit._columnar(objects jsonb[], before jsonb[] default null, key_columns text[] default '{}')
    returns json
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(json_object_agg(c.name, c.values), '{}')
    from (
        select
            e.key as name,
            json_agg(e.value order by r.place) as values,
            before is null or e.key = any (key_columns) or bool_or(e.value is distinct from before[r.place] -> e.key) as kept
        from unnest(objects) with ordinality r (object, place)
        cross join lateral jsonb_each(r.object) e
        group by e.key
    ) c
    where c.kept;
$$;

comment on function audit._columnar(jsonb[], jsonb[], text[]) is 'Rows as one object with an array per column, for tables with more columns than a query may have.';
revoke all on function audit._columnar(jsonb[], jsonb[], text[]) from public;
