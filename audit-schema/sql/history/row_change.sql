-- The log, one row per changed row: what is sealed and what is still in the head. An update of many rows logs the key, the
-- columns that it changed and those that summaries read. For look-ups of one record, with all their columns, use
-- audit.history().
create or replace view audit.row_change as
    select
        c.table_id,
        c.op,
        r.new_key as key,
        r.old_key,
        c.lsn,
        r.place,
        c.xid,
        c.at,
        c.occurred_at,
        c.session_role,
        nullif(c.role, 'none') as role,
        c.actor,
        c.application,
        c.client,
        c.request_id,
        c.cause,
        r.old,
        r.new,
        false as sealed
    from audit.change c
    left join audit.watched_table w using (table_id)
    cross join lateral audit._rows(c.rows, c.old, c.new, w.key_columns) r
    where c.op <> 'T'
    union all
    select
        s.table_id,
        s.op,
        r.new_key,
        r.old_key,
        r.lsn,
        r.place,
        r.xid,
        r.at,
        r.occurred_at,
        r.session_role,
        r.role,
        r.actor,
        r.application,
        r.client,
        r.request_id,
        r.cause,
        r.old,
        r.new,
        true
    from audit.segment s
    left join audit.watched_table w using (table_id)
    cross join lateral audit._packed_rows(s, w.key_columns) r
    where s.op <> 'T';

comment on view audit.row_change is 'The log, one row per changed row: sealed segments and the head. place orders the rows of one log position.';
comment on column audit.row_change.table_id is 'The watched table.';
comment on column audit.row_change.op is 'I insert, U update, D delete.';
comment on column audit.row_change.key is 'Primary key after the change, as text; before it for a delete.';
comment on column audit.row_change.old_key is 'Primary key before the change, as text; after it for an insert.';
comment on column audit.row_change.lsn is 'Position in the write-ahead log: the order of the log.';
comment on column audit.row_change.place is 'Order of the rows within one log row.';
comment on column audit.row_change.xid is 'The transaction that wrote.';
comment on column audit.row_change.at is 'When it was logged.';
comment on column audit.row_change.occurred_at is 'When it happened, if the writer said that it replays or backfills older events; else null.';
comment on column audit.row_change.session_role is 'The role that logged in.';
comment on column audit.row_change.role is 'The role set by SET ROLE, if any.';
comment on column audit.row_change.actor is 'The person on whose behalf an application wrote, if it said so.';
comment on column audit.row_change.application is 'application_name of the session.';
comment on column audit.row_change.client is 'Network address of the client; null on a unix socket.';
comment on column audit.row_change.request_id is 'The request that led to the write, if the application said so.';
comment on column audit.row_change.cause is 'Why the pipeline itself wrote, for example quarantine.';
comment on column audit.row_change.old is 'The row before; null for an insert. Of an update of many rows the key, the columns that it changed and those that summaries read.';
comment on column audit.row_change.new is 'The row after, with the columns of old; null for a delete.';
comment on column audit.row_change.sealed is 'Whether it is in a sealed segment already.';
