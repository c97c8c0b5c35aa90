-- What a rollback would take away, and what a schema became: the evidence of rejected writes, and the drift of watched
-- tables. Nothing here has a sequence: evidence is written from the writer's statement, through a second connection.

create table audit.setting (
    name text not null,
    value text not null,
    set_at timestamptz not null default now(),
    set_by text not null default session_user,
    constraint setting_pkey primary key (name),
    constraint setting_is_known check (name in ('rejection_server', 'longest_silence'))
);
comment on table audit.setting is 'Settings of the pipeline in this database. They are rows, so that no writer can change them for his session.';
comment on column audit.setting.name is 'rejection_server: the foreign server through which dblink keeps the evidence of rejected writes. longest_silence: how long a silence may last.';
comment on column audit.setting.value is 'The value, as text.';
comment on column audit.setting.set_at is 'When it was set.';
comment on column audit.setting.set_by is 'The role that set it.';

create table audit.rejection (
    rejection_id uuid not null,
    at timestamptz not null,
    table_id integer not null,
    evidence json not null,
    recorded_at timestamptz not null default clock_timestamp(),
    recorded_by text not null default session_user,
    constraint rejection_pkey primary key (rejection_id)
);
create index rejection_at on audit.rejection (table_id, at);
comment on table audit.rejection is 'A statement that was refused, as far as its evidence was handed in: by the server through dblink, or by the application.';
comment on column audit.rejection.rejection_id is 'Identifies the rejection, so that evidence that is handed in twice is kept once.';
comment on column audit.rejection.at is 'When the statement was refused, by the clock of the server.';
comment on column audit.rejection.table_id is 'The watched table. References audit.watched_table.';
comment on column audit.rejection.evidence is 'What the error had in its DETAIL: the rules, how many rows, which keys, samples, who wrote.';
comment on column audit.rejection.recorded_at is 'When the evidence was handed in.';
comment on column audit.rejection.recorded_by is 'The role that handed it in: that of the second connection, or an application.';

create table audit.schema_drift (
    drift_id uuid not null default gen_random_uuid(),
    lsn pg_lsn not null default pg_current_wal_insert_lsn(),
    xid xid8 not null default pg_current_xact_id(),
    at timestamptz not null default clock_timestamp(),
    table_id integer not null,
    table_name text not null,
    change text not null,
    object text not null,
    was text,
    became text,
    command text,
    session_role text not null default session_user,
    role text default current_setting('role'),
    actor text default nullif(current_setting('audit.actor', true), ''),
    application text default nullif(current_setting('application_name'), ''),
    request_id text default nullif(current_setting('audit.request_id', true), ''),
    constraint schema_drift_pkey primary key (drift_id)
);
create index schema_drift_at on audit.schema_drift (table_id, at);
create index schema_drift_of_key on audit.schema_drift (table_id, lsn) where change = 'key changed';
comment on table audit.schema_drift is 'How the shape of a watched table changed: one row per column, key, name, child or trigger that DDL changed.';
comment on column audit.schema_drift.drift_id is 'Identifies it.';
comment on column audit.schema_drift.lsn is 'Position in the write-ahead log: log rows before it have the old shape.';
comment on column audit.schema_drift.xid is 'The transaction that ran the DDL, or the audit.compile() that noticed it.';
comment on column audit.schema_drift.at is 'When it was noticed: at once with the event trigger, else at the next audit.compile().';
comment on column audit.schema_drift.table_id is 'The watched table. References audit.watched_table.';
comment on column audit.schema_drift.table_name is 'Schema and name of the table after the change.';
comment on column audit.schema_drift.change is 'What happened, for example column added, column renamed, table dropped, triggers disabled.';
comment on column audit.schema_drift.object is 'The column, rule, child or function that it happened to; the table itself otherwise.';
comment on column audit.schema_drift.was is 'Name, type or state before; null if there was none.';
comment on column audit.schema_drift.became is 'Name, type or state after; null if there is none.';
comment on column audit.schema_drift.command is 'The command tag of the DDL, for example ALTER TABLE; null when audit.compile() noticed.';
comment on column audit.schema_drift.session_role is 'The role that logged in.';
comment on column audit.schema_drift.role is 'The role set by SET ROLE, or none.';
comment on column audit.schema_drift.actor is 'The person on whose behalf an application ran it, if it said so.';
comment on column audit.schema_drift.application is 'application_name of the session.';
comment on column audit.schema_drift.request_id is 'The request that led to it, if the application said so.';

alter table audit.watched_table add column shape jsonb, add column compiled text, add column captured_xid xid8;
comment on column audit.watched_table.shape is 'Name, columns, key, children and triggers when the table was last compiled: what drift is measured against.';
comment on column audit.watched_table.compiled is 'Digest of the declarations that the generated functions come from.';
comment on column audit.watched_table.captured_xid is 'The transaction that last changed what is logged of updates: writers that began before it ended may have logged less.';
