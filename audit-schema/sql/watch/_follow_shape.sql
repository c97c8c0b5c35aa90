-- Compares a watched table with the shape it had when it was last compiled: records what drifted, and follows what can be
-- followed. A column is known by its number, so that rules and keys go on with its new name.
create or replace function audit._follow_shape(table_id integer, command text)
    returns void
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    watched audit.watched_table;
    shape jsonb;
    drift record;
    moved boolean := false;
begin
    select w.* into watched from audit.watched_table w where w.table_id = _follow_shape.table_id;
    shape := audit._shape(watched.relation);
    if watched.shape is null or shape = watched.shape then
        update audit.watched_table w set shape = shape where w.table_id = watched.table_id and w.shape is distinct from shape;
        return;
    end if;

    update audit.watched_table w
    set shape = shape,
        name = format('%I.%I', shape ->> 'schema', shape ->> 'name'),
        key_columns = array(select jsonb_array_elements_text(shape -> 'key'))
    where w.table_id = watched.table_id;

    for drift in
        select 'table moved' as change, watched.name as object, watched.shape ->> 'schema' as was, shape ->> 'schema' as became
        where watched.shape -> 'schema' <> shape -> 'schema'
        union all
        select 'table renamed', watched.name, watched.shape ->> 'name', shape ->> 'name'
        where watched.shape -> 'name' <> shape -> 'name'
        union all
        select
            case
                when b.key is null then 'column added'
                when n.key is null then 'column dropped'
                when b.value -> 'name' <> n.value -> 'name' then 'column renamed'
                else 'column retyped'
            end,
            coalesce(b.value ->> 'name', n.value ->> 'name'),
            case when b.value -> 'name' <> n.value -> 'name' then b.value ->> 'name' else b.value ->> 'type' end,
            case when b.value -> 'name' <> n.value -> 'name' then n.value ->> 'name' else n.value ->> 'type' end
        from jsonb_each(watched.shape -> 'columns') b
        full join jsonb_each(shape -> 'columns') n on n.key = b.key
        where b.value is distinct from n.value
        union all
        select 'key changed', watched.name, watched.shape ->> 'key', shape ->> 'key'
        where watched.shape -> 'key' <> shape -> 'key'
        union all
        select case when b.key is null then 'child attached' else 'child detached' end, coalesce(b.value, n.value), b.value, n.value
        from jsonb_each_text(watched.shape -> 'children') b
        full join jsonb_each_text(shape -> 'children') n on n.key = b.key
        where b.key is null or n.key is null
        union all
        select case when b.value is null then 'trigger disabled' else 'trigger enabled' end, coalesce(b.value, n.value), null, null
        from jsonb_array_elements_text(watched.shape -> 'disabled') b (value)
        full join jsonb_array_elements_text(shape -> 'disabled') n (value) on n.value = b.value
        where b.value is null or n.value is null
        union all
        select 'row security ' || case when (shape ->> 'row_security')::boolean then 'on' else 'off' end, watched.name, null, null
        where watched.shape -> 'row_security' <> shape -> 'row_security'
    loop
        perform audit._note_drift(watched.table_id, command, drift.change, drift.object, drift.was, drift.became);
        if drift.change = 'column renamed' then
            perform audit._rename_column(watched.table_id, drift.was, drift.became);
        elsif drift.change like 'child %' then
            moved := moved or audit._has_rows(drift.object);
        end if;
    end loop;
    if moved then
        perform audit._void_counters(watched.table_id);
    end if;
end;
$$;

comment on function audit._follow_shape(integer, text) is 'Compares a watched table with the shape it had when it was last compiled: records what drifted, and follows what can be followed.';
revoke all on function audit._follow_shape(integer, text) from public;
