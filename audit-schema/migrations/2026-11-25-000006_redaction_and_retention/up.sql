-- What the log must not know, and how long it may remember: columns whose values never enter it, and the times after which
-- the tick drops what is over.

alter table audit.watched_table
    add column redact text[] not null default '{}',
    add column hash text[] not null default '{}',
    add column hidden_at timestamptz,
    add column retain jsonb not null default '{}',
    add column kept_from timestamptz,
    add constraint watched_table_column_is_redacted_or_hashed check (not redact && hash);
comment on column audit.watched_table.redact is 'Columns whose values never enter the log, nor anything that is made of it.';
comment on column audit.watched_table.hash is 'Columns of which a hash stands in the log, so that changes and equality are seen.';
comment on column audit.watched_table.hidden_at is 'When a column was last redacted or hashed: what was logged before has its values. Null while no column is.';
comment on column audit.watched_table.retain is 'How long what belongs to this table is kept, by kind, where that differs from audit.retention: a length of time, or forever.';
comment on column audit.watched_table.kept_from is 'Changes until this moment were dropped by retention; null if none were.';

create table audit.hash_salt (
    table_id integer not null,
    salt bytea not null default pg_catalog.sha256(pg_catalog.uuid_send(pg_catalog.gen_random_uuid()) || pg_catalog.uuid_send(pg_catalog.gen_random_uuid()) || pg_catalog.uuid_send(pg_catalog.gen_random_uuid())),
    constraint hash_salt_pkey primary key (table_id),
    constraint hash_salt_belongs_to_a_watched_table foreign key (table_id) references audit.watched_table (table_id)
);
comment on table audit.hash_salt is 'What is hashed together with the values of hashed columns. Only audit_owner may read it: with it, whoever reads the log could find a value by trying all.';
comment on column audit.hash_salt.table_id is 'The watched table. Each has its own, so that nobody sees that two tables have the same value.';
comment on column audit.hash_salt.salt is '32 random bytes, made once: another salt would make equal values look different.';

create table audit.quarantine_secret (
    quarantine_id uuid not null,
    "row" json,
    restored json,
    constraint quarantine_secret_pkey primary key (quarantine_id)
);
comment on table audit.quarantine_secret is 'The true values of redacted and hashed columns of rows in quarantine, from which a release puts them back. Only audit_owner may read it; a row goes when its entry is released or discarded.';
comment on column audit.quarantine_secret.quarantine_id is 'The entry. References audit.quarantine.';
comment on column audit.quarantine_secret."row" is 'Of the version that waits.';
comment on column audit.quarantine_secret.restored is 'Of the version that it stands for in the table; null if there is none.';

create table audit.retention (
    kind text not null,
    keep text not null,
    declared_at timestamptz not null default now(),
    declared_by text not null default session_user,
    constraint retention_pkey primary key (kind),
    constraint retention_kind_is_known check (kind in ('changes', 'findings', 'quarantine', 'rejections', 'checks', 'alerts', 'deliveries'))
);
comment on table audit.retention is 'How long what is over is kept. What is not in it is kept for ever.';
comment on column audit.retention.kind is 'Of what: changes, findings, quarantine, rejections, checks, alerts, deliveries.';
comment on column audit.retention.keep is 'How long, in words that PostgreSQL reads as an interval.';
comment on column audit.retention.declared_at is 'When it was declared.';
comment on column audit.retention.declared_by is 'The role that declared it.';

create table audit.dropped_segment (
    from_segment bigint not null,
    to_segment bigint not null,
    table_ids integer[] not null,
    rows bigint not null,
    at_lo timestamptz not null,
    at_hi timestamptz not null,
    previous bytea not null,
    digest bytea not null,
    dropped_at timestamptz not null,
    number bigint not null,
    seal bytea not null,
    constraint dropped_segment_pkey primary key (from_segment),
    constraint dropped_segment_number_is_unique unique (number),
    constraint dropped_segment_ends_after_it_begins check (to_segment >= from_segment)
);
create index dropped_segment_to_segment on audit.dropped_segment (to_segment);
comment on table audit.dropped_segment is 'Segments that retention dropped, one row for each run of them without a gap: what the chain of seals needs to go on over them. Append-only, and chained itself.';
comment on column audit.dropped_segment.from_segment is 'The first segment of the run.';
comment on column audit.dropped_segment.to_segment is 'The last one.';
comment on column audit.dropped_segment.table_ids is 'The watched tables whose changes were in them.';
comment on column audit.dropped_segment.rows is 'How many changed rows were in them.';
comment on column audit.dropped_segment.at_lo is 'When the oldest of their changes was logged.';
comment on column audit.dropped_segment.at_hi is 'When the newest of their changes was logged.';
comment on column audit.dropped_segment.previous is 'The digest of the segment before the run.';
comment on column audit.dropped_segment.digest is 'The digest of the last segment of the run.';
comment on column audit.dropped_segment.dropped_at is 'When, by the clock of the server.';
comment on column audit.dropped_segment.number is 'The order in which runs were dropped, from 1 without a gap.';
comment on column audit.dropped_segment.seal is 'The sha256 of all this and of the seal of the run that was dropped before.';

-- What was counted of evidence and entries that are not there any more.
alter table audit.rule_activity_base add column rejected bigint not null default 0;
comment on column audit.rule_activity_base.rejected is 'Rows that were refused, of evidence that retention dropped.';
alter table audit.table_counter_base add column released bigint not null default 0, add column discarded bigint not null default 0;
comment on column audit.table_counter_base.released is 'Rows released from quarantine whose entries retention dropped.';
comment on column audit.table_counter_base.discarded is 'Rows discarded from quarantine whose entries retention dropped.';
alter table audit.progress add column delivered bigint not null default 0, add column retained_at timestamptz;
comment on column audit.progress.delivered is 'Delivered messages that retention dropped.';
comment on column audit.progress.retained_at is 'When retention last found nothing more to drop, by the clock of the server.';

create index quarantine_decided on audit.quarantine (table_id, at) where state <> 'held';
