-- The log: what was written, in two levels, and what failed. Nothing here has an identity column, a sequence or a
-- foreign key: a writer's lastval() must not change, and a writer must not lock a row that another writer locks.

create table audit.change (
    lsn pg_lsn not null default pg_current_wal_insert_lsn(),
    xid xid8 not null default pg_current_xact_id(),
    at timestamptz not null default clock_timestamp(),
    occurred_at timestamptz default case
        when current_setting('audit.occurred_at', true) ~ '^\d{1,16}$'
        then to_timestamp(current_setting('audit.occurred_at', true)::float8 / 1000000)
    end,
    table_id integer not null,
    op "char" not null,
    rows integer not null,
    shape integer not null default 0,
    key_lo text collate "C",
    key_hi text collate "C",
    cause text default nullif(current_setting('audit.cause', true), ''),
    session_role text not null default session_user,
    role text default current_setting('role'),
    actor text default nullif(current_setting('audit.actor', true), ''),
    application text default nullif(current_setting('application_name'), ''),
    client inet default inet_client_addr(),
    request_id text default nullif(current_setting('audit.request_id', true), ''),
    old json,
    new json
);
alter table audit.change set (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_cost_delay = 0
);
comment on table audit.change is 'The head of the log: what statements did to watched tables, until the tick packs it into segments. A statement of one row stores that row, a statement of many stores up to 1,000 rows a log row as an object of arrays.';
comment on column audit.change.lsn is 'Position in the write-ahead log when the statement had finished: the order of the log.';
comment on column audit.change.xid is 'The transaction that wrote.';
comment on column audit.change.at is 'When it was logged, by the clock of the server.';
comment on column audit.change.occurred_at is 'When it happened, if the writer said that it replays or backfills older events; else null.';
comment on column audit.change.table_id is 'The watched table. References audit.watched_table.';
comment on column audit.change.op is 'I insert, U update, D delete, T truncate.';
comment on column audit.change.rows is 'How many rows this log row holds.';
comment on column audit.change.shape is 'Tells log rows with other columns apart: a hash of the names of the columns in old and new.';
comment on column audit.change.key_lo is 'No primary key among its rows is lower, as text; null without a primary key.';
comment on column audit.change.key_hi is 'No primary key among its rows is higher, as text.';
comment on column audit.change.cause is 'Why the pipeline itself wrote, for example quarantine; null for everybody else.';
comment on column audit.change.session_role is 'The role that logged in.';
comment on column audit.change.role is 'The role set by SET ROLE, or none.';
comment on column audit.change.actor is 'The person on whose behalf an application wrote, if it said so.';
comment on column audit.change.application is 'application_name of the session.';
comment on column audit.change.client is 'Network address of the client; null on a unix socket.';
comment on column audit.change.request_id is 'The request that led to the write, if the application said so.';
comment on column audit.change.old is 'The rows before: null for inserts.';
comment on column audit.change.new is 'The rows after: null for deletes.';

create table audit.segment (
    segment_id bigint not null,
    month date not null,
    table_id integer not null,
    op "char" not null,
    rows integer not null,
    shape integer not null,
    lsn_lo pg_lsn not null,
    lsn_hi pg_lsn not null,
    xid_lo xid8 not null,
    xid_hi xid8 not null,
    at_lo timestamptz not null,
    at_hi timestamptz not null,
    key_lo text collate "C",
    key_hi text collate "C",
    key_hashes integer[],
    layer smallint,
    lsns pg_lsn[] not null,
    xids xid8[] not null,
    ats timestamptz[] not null,
    occurred_ats timestamptz[],
    contexts json not null,
    old json,
    new json,
    previous bytea not null,
    digest bytea not null,
    constraint segment_pkey primary key (segment_id, month),
    constraint segment_month_is_a_first_day check (extract(day from month) = 1)
) partition by range (month);
create index segment_key_range on audit.segment (table_id, layer, key_hi) where layer is not null;
create index segment_key_hash on audit.segment using gin (key_hashes) with (fastupdate = off) where layer is null and key_hashes is not null;
comment on table audit.segment is 'The packed, sealed part of the log: up to 1,000 rows of one table and kind of change, one array per column, chained to the segment before by its digest. Partitioned by month.';
comment on column audit.segment.segment_id is 'Numbered by the tick without gaps.';
comment on column audit.segment.month is 'First day of the month in which the segment was sealed.';
comment on column audit.segment.table_id is 'The watched table. References audit.watched_table.';
comment on column audit.segment.op is 'I insert, U update, D delete, T truncate.';
comment on column audit.segment.rows is 'How many rows the segment holds.';
comment on column audit.segment.shape is 'Tells rows with other columns or another key apart, as in audit.change.';
comment on column audit.segment.lsn_lo is 'Lowest log position among its changes.';
comment on column audit.segment.lsn_hi is 'Highest log position among its changes.';
comment on column audit.segment.xid_lo is 'Oldest transaction among its changes.';
comment on column audit.segment.xid_hi is 'Newest transaction among its changes.';
comment on column audit.segment.at_lo is 'When its first change was logged.';
comment on column audit.segment.at_hi is 'When its last change was logged.';
comment on column audit.segment.key_lo is 'Lowest primary key among its rows, old and new.';
comment on column audit.segment.key_hi is 'Highest primary key among its rows, old and new.';
comment on column audit.segment.key_hashes is 'The hash of the primary key of every row, of the old one for deletes; where an update changed keys, followed by those of all old keys. Null for tables without a key.';
comment on column audit.segment.layer is 'Within a month no two segments of a table with the same layer overlap in their keys, so that one of them at most holds a key. Null where all layers were taken: then the hashes are indexed.';
comment on column audit.segment.lsns is 'The log position of every row; one element where all rows come from one change.';
comment on column audit.segment.xids is 'The transaction of every row; one element where all rows come from one change.';
comment on column audit.segment.ats is 'When every row was logged; one element where all rows come from one change.';
comment on column audit.segment.occurred_ats is 'When every row happened, where a writer said so; null where none did.';
comment on column audit.segment.contexts is 'Who wrote: session_role, role, actor, application, client, request_id and cause, each an array with one element a row, or one value for all rows; left out where it is null for all.';
comment on column audit.segment.old is 'One array per column: the rows before; of an update of many rows the key, the columns that changed and those that summaries read. Null for inserts.';
comment on column audit.segment.new is 'One array per column: the rows after, without the columns that no row of the segment changed. Null for deletes.';
comment on column audit.segment.previous is 'Digest of the segment before; empty for the first.';
comment on column audit.segment.digest is 'sha256 over previous and the content of this segment.';

create table audit.finding (
    finding_id uuid not null default gen_random_uuid(),
    lsn pg_lsn not null default pg_current_wal_insert_lsn(),
    xid xid8 not null default pg_current_xact_id(),
    at timestamptz not null default clock_timestamp(),
    occurred_at timestamptz default case
        when current_setting('audit.occurred_at', true) ~ '^\d{1,16}$'
        then to_timestamp(current_setting('audit.occurred_at', true)::float8 / 1000000)
    end,
    table_id integer not null,
    rule_id integer not null,
    op "char",
    rows bigint not null,
    new_failed bigint not null,
    old_failed bigint not null default 0,
    action text not null default 'flag',
    keys text[],
    samples json,
    error text,
    session_role text not null default session_user,
    actor text default nullif(current_setting('audit.actor', true), ''),
    application text default nullif(current_setting('application_name'), ''),
    request_id text default nullif(current_setting('audit.request_id', true), ''),
    constraint finding_pkey primary key (finding_id)
);
create index finding_xid on audit.finding (xid);
create index finding_rule_id on audit.finding (rule_id, (coalesce(occurred_at, at)));
comment on table audit.finding is 'One rule failed by one statement, or one time-driven rule that begins to fail for a group. Rows with new_failed = 0 only take failures back: a delete or a correction.';
comment on column audit.finding.finding_id is 'Identifies the finding.';
comment on column audit.finding.lsn is 'Position in the write-ahead log: the order of findings.';
comment on column audit.finding.xid is 'The transaction that wrote.';
comment on column audit.finding.at is 'When it was found, by the clock of the server.';
comment on column audit.finding.occurred_at is 'When it happened, if the writer said that it replays or backfills older events; else null.';
comment on column audit.finding.table_id is 'The watched table. References audit.watched_table.';
comment on column audit.finding.rule_id is 'The rule that failed. References audit.rule.';
comment on column audit.finding.op is 'I insert, U update, D delete, T truncate (the rule starts again from nothing); null where nobody wrote, and the tick found that a time-driven rule fails or ends to fail.';
comment on column audit.finding.rows is 'How many rows the statement wrote; 0 where nobody wrote.';
comment on column audit.finding.new_failed is 'How many of the written rows fail the rule. Of a no_overlap rule also rows that were there and fail since.';
comment on column audit.finding.old_failed is 'How many rows that were updated or deleted failed the rule before.';
comment on column audit.finding.action is 'What was done with the failing rows: flag, quarantine, or shadow (nothing: the rule is on trial).';
comment on column audit.finding.keys is 'Primary keys of the first 100 failing rows, as text; of a time-driven rule its group.';
comment on column audit.finding.samples is 'The columns of the rule, or the whole row, of the first three failing rows.';
comment on column audit.finding.error is 'The error that the rule itself raised, if it could not be evaluated.';
comment on column audit.finding.session_role is 'The role that logged in.';
comment on column audit.finding.actor is 'The person on whose behalf an application wrote, if it said so.';
comment on column audit.finding.application is 'application_name of the session.';
comment on column audit.finding.request_id is 'The request that led to the write, if the application said so.';

create table audit.quarantine (
    quarantine_id uuid not null default gen_random_uuid(),
    lsn pg_lsn not null default pg_current_wal_insert_lsn(),
    xid xid8 not null default pg_current_xact_id(),
    at timestamptz not null default clock_timestamp(),
    occurred_at timestamptz default case
        when current_setting('audit.occurred_at', true) ~ '^\d{1,16}$'
        then to_timestamp(current_setting('audit.occurred_at', true)::float8 / 1000000)
    end,
    table_id integer not null,
    op "char" not null,
    key text not null,
    rules integer[] not null,
    row json not null,
    restored json,
    mode text not null default 'set_aside',
    state text not null default 'held',
    session_role text not null default session_user,
    actor text default nullif(current_setting('audit.actor', true), ''),
    application text default nullif(current_setting('application_name'), ''),
    request_id text default nullif(current_setting('audit.request_id', true), ''),
    constraint quarantine_pkey primary key (quarantine_id),
    constraint quarantine_mode_is_known check (mode in ('set_aside', 'hide')),
    constraint quarantine_state_is_known check (state in ('held', 'released', 'discarded'))
);
create index quarantine_held on audit.quarantine (table_id, at) where state = 'held';
create unique index quarantine_row_is_hidden_once on audit.quarantine (table_id, md5(key)) where state = 'held' and mode = 'hide';
comment on table audit.quarantine is 'Rows that wait for a person. Set aside: an insert was taken out of its table again, an update was undone, the last good version stays. Hidden: the row is in its table, and a generated view does not show it.';
comment on column audit.quarantine.quarantine_id is 'Identifies the row that waits.';
comment on column audit.quarantine.lsn is 'Position in the write-ahead log.';
comment on column audit.quarantine.xid is 'The transaction that wrote.';
comment on column audit.quarantine.at is 'When it was set aside or hidden, by the clock of the server.';
comment on column audit.quarantine.occurred_at is 'When it happened, if the writer said that it replays or backfills older events; else null.';
comment on column audit.quarantine.table_id is 'The watched table. References audit.watched_table.';
comment on column audit.quarantine.op is 'I an insert was set aside or hidden, U an update.';
comment on column audit.quarantine.key is 'Primary key of the row, as text.';
comment on column audit.quarantine.rules is 'The quarantine rules that the row fails. References audit.rule.';
comment on column audit.quarantine.row is 'The row as it was written, or as it was edited since.';
comment on column audit.quarantine.restored is 'The version in the table: the last good one for an update, the hidden one for a hidden row that was edited; else null.';
comment on column audit.quarantine.mode is 'set_aside: the row is not in its table; hide: it is, and the view of visible rows leaves it out.';
comment on column audit.quarantine.state is 'held, released or discarded.';
comment on column audit.quarantine.session_role is 'The role that logged in.';
comment on column audit.quarantine.actor is 'The person on whose behalf an application wrote, if it said so.';
comment on column audit.quarantine.application is 'application_name of the session.';
comment on column audit.quarantine.request_id is 'The request that led to the write, if the application said so.';

create table audit.quarantine_event (
    event_id uuid not null default gen_random_uuid(),
    quarantine_id uuid not null,
    at timestamptz not null default clock_timestamp(),
    xid xid8 not null default pg_current_xact_id(),
    kind text not null,
    reason text,
    old json,
    new json,
    reasons jsonb,
    session_role text not null default session_user,
    role text default nullif(current_setting('role'), 'none'),
    actor text default nullif(current_setting('audit.actor', true), ''),
    application text default nullif(current_setting('application_name'), ''),
    request_id text default nullif(current_setting('audit.request_id', true), ''),
    constraint quarantine_event_pkey primary key (event_id),
    constraint quarantine_event_is_about_a_row_that_waited foreign key (quarantine_id) references audit.quarantine (quarantine_id),
    constraint quarantine_event_kind_is_known check (kind in ('edited', 'released', 'refused', 'discarded'))
);
create index quarantine_event_quarantine_id on audit.quarantine_event (quarantine_id, at);
comment on table audit.quarantine_event is 'What was done with a row in quarantine: by whom, when and why. Rows are only ever added.';
comment on column audit.quarantine_event.event_id is 'Identifies the event.';
comment on column audit.quarantine_event.quarantine_id is 'The row in quarantine.';
comment on column audit.quarantine_event.at is 'When, by the clock of the server.';
comment on column audit.quarantine_event.xid is 'The transaction that did it.';
comment on column audit.quarantine_event.kind is 'edited, released, refused (a release that was not allowed) or discarded.';
comment on column audit.quarantine_event.reason is 'Why, in the words of whoever did it.';
comment on column audit.quarantine_event.old is 'The values that an edit replaced.';
comment on column audit.quarantine_event.new is 'The values that an edit put in their place.';
comment on column audit.quarantine_event.reasons is 'Why a release was refused: the rules, the constraint or the fact in its way, each with a message.';
comment on column audit.quarantine_event.session_role is 'The role that logged in.';
comment on column audit.quarantine_event.role is 'The role set by SET ROLE, if any.';
comment on column audit.quarantine_event.actor is 'The person on whose behalf a program acted, if it said so.';
comment on column audit.quarantine_event.application is 'application_name of the session.';
comment on column audit.quarantine_event.request_id is 'The request that led to it, if the program said so.';

-- LZ4 packs json faster than PostgreSQL's own method, but a server may be built without it.
do $$
declare
    place record;
begin
    if 'lz4' = any (array(select unnest(s.enumvals) from pg_settings s where s.name = 'default_toast_compression')) then
        for place in
            select a.attrelid::regclass as relation, a.attname as name
            from pg_attribute a
            where a.attrelid in ('audit.change'::regclass, 'audit.segment'::regclass, 'audit.finding'::regclass, 'audit.quarantine'::regclass, 'audit.quarantine_event'::regclass)
                and a.atttypid in ('json'::regtype, 'integer[]'::regtype, 'pg_lsn[]'::regtype, 'xid8[]'::regtype, 'timestamptz[]'::regtype)
        loop
            execute format('alter table %s alter column %I set compression lz4', place.relation, place.name);
        end loop;
    end if;
end;
$$;
