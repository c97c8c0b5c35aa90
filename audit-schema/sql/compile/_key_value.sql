-- The values by which a look-up compares rows with each other, in their order. A row that the rule is not about has nulls
-- in all of them, and is compared with none.
create or replace function audit._key_value(columns text[], applies text)
    returns table (place bigint, value text)
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select
        c.position,
        case when applies is null then format('audit_row.%I', c.name) else format('case when %s then audit_row.%I end', applies, c.name) end
    from unnest(columns) with ordinality c (name, position);
$$;

comment on function audit._key_value(text[], text) is 'The values by which a look-up compares rows with each other, in their order.';
revoke all on function audit._key_value(text[], text) from public;
