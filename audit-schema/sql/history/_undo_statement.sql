-- The statement that takes back a change of one row. Values are written as plain literals: they get the types of their
-- columns from where they stand. An update takes back only the columns that it changed. Null if it changed none, or
-- none that is left.
create or replace function audit._undo_statement(relation text, columns text[], override text, key_columns text[], op "char", before jsonb, after jsonb)
    returns text
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select case op
        when 'D' then format('insert into %s (%s)%s values (%s)', relation, c.names, override, c.literals)
        when 'U' then 'update ' || relation || ' set ' || c.changes || ' where ' || k.condition
        when 'I' then format('delete from %s where %s', relation, k.condition)
    end
    from (
        select
            string_agg(format('%I', c.name), ', ' order by c.position) as names,
            string_agg(quote_nullable(before ->> c.name), ', ' order by c.position) as literals,
            string_agg(format('%I = %s', c.name, quote_nullable(before ->> c.name)), ', ' order by c.position)
                filter (where before -> c.name is distinct from after -> c.name) as changes
        from unnest(columns) with ordinality c (name, position)
        where before ? c.name
    ) c
    cross join (
        select string_agg(format('%I = %L', k.name, after ->> k.name), ' and ' order by k.position) as condition
        from unnest(key_columns) with ordinality k (name, position)
    ) k;
$$;

comment on function audit._undo_statement(text, text[], text, text[], "char", jsonb, jsonb) is 'The statement that takes back a change of one row.';
revoke all on function audit._undo_statement(text, text[], text, text[], "char", jsonb, jsonb) from public;
