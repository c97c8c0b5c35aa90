-- Records one thing that changed about a watched table.
create or replace function audit._note_drift(table_id integer, command text, change text, object text, was text default null, became text default null)
    returns void
    language sql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
    insert into audit.schema_drift (table_id, table_name, change, object, was, became, command)
    select w.table_id, w.name, _note_drift.change, _note_drift.object, _note_drift.was, _note_drift.became, _note_drift.command
    from audit.watched_table w
    where w.table_id = _note_drift.table_id;
$$;

comment on function audit._note_drift(integer, text, text, text, text, text) is 'Records one thing that changed about a watched table.';
revoke all on function audit._note_drift(integer, text, text, text, text, text) from public;
