-- The condition that audit_row has the primary key that an expression gives as text. It compares columns of built-in types
-- as such, so that an index serves; an operator of any other type might be anybody's function.
create or replace function audit._key_is(target regclass, key_columns text[], key text)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select '(' || string_agg(
        format(
            case when c.plain then 'audit_row.%1$I = (%2$s)::%3$s' else '%4$s = %2$s' end,
            c.name,
            case when cardinality(key_columns) = 1 then key else format('%s::json ->> %s', key, k.position - 1) end,
            c.type, c.value
        ),
        ' and ' order by k.position
    ) || ')'
    from unnest(key_columns) with ordinality k (name, position)
    join audit._log_column(target) c on c.name = k.name;
$$;

comment on function audit._key_is(regclass, text[], text) is 'The condition that audit_row has the primary key that an expression gives as text.';
revoke all on function audit._key_is(regclass, text[], text) from public;
