-- Refuses to update, delete or truncate what may only be appended to, whoever asks, unless the tick or retention is
-- at work: they move rows from the head of the log into segments and drop what is too old. This guards against
-- mistakes; an owner who means it can drop the trigger, and the seals show it.
create or replace function audit._refuse_change()
    returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    stack text;
begin
    get diagnostics stack = pg_context;
    -- A session may have all identifiers quoted.
    stack := replace(stack, '"', '');
    if position('audit.tick(' in stack) > 0 or position('audit.retain(' in stack) > 0 then
        return null;
    end if;
    raise exception 'the table "%.%" is append-only', tg_table_schema, tg_table_name
        using errcode = 'AU003',
            constraint = 'log_is_append_only',
            schema = tg_table_schema,
            table = tg_table_name,
            hint = 'Rows leave it by the tick and by retention only.';
end;
$$;

comment on function audit._refuse_change() is 'Refuses to update, delete or truncate what may only be appended to, unless the tick or retention is at work.';
revoke all on function audit._refuse_change() from public;

-- The log and the findings, with the partitions there are; the tick protects new ones.
do $$
begin
    perform audit._protect(c.oid::regclass)
    from pg_catalog.pg_class c
    where c.relnamespace = 'audit'::regnamespace
        and c.relkind in ('r', 'p')
        and (c.relname in ('change', 'finding', 'dropped_segment')
            or c.oid in (select p.relid from pg_catalog.pg_partition_tree('audit.segment') p));
end;
$$;
