-- The condition that a row audit_row lies behind one place and not behind another, over the columns that tell rows apart.
-- It is one comparison of rows for each side, so that the index of a primary key serves it. null is the very beginning,
-- or the very end.
create or replace function audit._check_range(plan jsonb, behind jsonb, upto jsonb)
    returns text
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(string_agg(format('(%s) %s (%s)', k.columns, side.operator, k.place), ' and ' order by side.operator desc), 'true')
    from (values ('>', behind), ('<=', upto)) side (operator, place)
    cross join lateral (
        select
            string_agg(format('audit_row.%I', c.name), ', ' order by c.position) as columns,
            string_agg(format('%L::%s', side.place ->> (c.position - 1)::integer, plan -> 'types' ->> (c.position - 1)::integer), ', ' order by c.position) as place
        from jsonb_array_elements_text(plan -> 'columns') with ordinality c (name, position)
    ) k
    where jsonb_typeof(side.place) = 'array';
$$;

comment on function audit._check_range(jsonb, jsonb, jsonb) is 'The condition that a row lies behind one place and not behind another.';
revoke all on function audit._check_range(jsonb, jsonb, jsonb) from public;
