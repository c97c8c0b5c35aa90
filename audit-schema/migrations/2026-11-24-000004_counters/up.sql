-- Folded bases. A reader adds to a base what is not folded yet: the head of the log, and findings of transactions
-- that the tick has not passed. Only the tick writes here, in the transaction that moves the changes.

create table audit.progress (
    only_row boolean not null default true,
    folded_below xid8 not null default '0',
    ticked_at timestamptz,
    clock timestamptz,
    hidden_table_id integer not null default 0,
    hidden_key text not null default '',
    constraint progress_pkey primary key (only_row),
    constraint progress_has_one_row check (only_row)
);
insert into audit.progress default values;
comment on table audit.progress is 'How far the tick has come: one row.';
comment on column audit.progress.only_row is 'Always true.';
comment on column audit.progress.folded_below is 'Every change and finding of a transaction below this one is in the folded bases.';
comment on column audit.progress.ticked_at is 'When the last tick ran, by the clock of the server.';
comment on column audit.progress.clock is 'The time the last tick was run for; differs from ticked_at in a replay.';
comment on column audit.progress.hidden_table_id is 'The table up to which hidden rows were looked at, to see whether they still fail.';
comment on column audit.progress.hidden_key is 'The key up to which they were, as a digest.';

create table audit.table_counter_base (
    table_id integer not null,
    rows bigint not null default 0,
    inserted bigint not null default 0,
    updated bigint not null default 0,
    deleted bigint not null default 0,
    truncated bigint not null default 0,
    rows_at_start bigint not null default 0,
    start_lsn pg_lsn not null default '0/0',
    written_at timestamptz,
    constraint table_counter_base_pkey primary key (table_id),
    constraint table_counter_base_belongs_to_a_watched_table foreign key (table_id) references audit.watched_table (table_id)
);
comment on table audit.table_counter_base is 'Folded base of audit.table_counter.';
comment on column audit.table_counter_base.table_id is 'The watched table.';
comment on column audit.table_counter_base.rows is 'Rows in the table.';
comment on column audit.table_counter_base.inserted is 'Rows inserted since the watch began.';
comment on column audit.table_counter_base.updated is 'Rows updated since the watch began.';
comment on column audit.table_counter_base.deleted is 'Rows deleted since the watch began.';
comment on column audit.table_counter_base.truncated is 'How often the table was truncated since the watch began.';
comment on column audit.table_counter_base.rows_at_start is 'Rows in the table when the watch began: the log does not have them.';
comment on column audit.table_counter_base.start_lsn is 'Log position of the scan the counter started from: earlier changes are in that scan.';
comment on column audit.table_counter_base.written_at is 'When the newest change occurred; null if there was none since the watch began.';

create table audit.rule_counter_base (
    rule_id integer not null,
    failing bigint not null default 0,
    errors bigint not null default 0,
    start_lsn pg_lsn not null default '0/0',
    constraint rule_counter_base_pkey primary key (rule_id),
    constraint rule_counter_base_belongs_to_a_rule foreign key (rule_id) references audit.rule (rule_id)
);
comment on table audit.rule_counter_base is 'Folded base of audit.rule_counter.';
comment on column audit.rule_counter_base.rule_id is 'The rule.';
comment on column audit.rule_counter_base.failing is 'Rows that fail the rule now.';
comment on column audit.rule_counter_base.errors is 'Statements for which the rule could not be evaluated.';
comment on column audit.rule_counter_base.start_lsn is 'Log position of the scan the counter started from: earlier findings are in that scan.';

create table audit.table_activity_base (
    table_id integer not null,
    hour timestamptz not null,
    op "char" not null,
    actor text not null,
    changes bigint not null,
    rows bigint not null,
    constraint table_activity_base_pkey primary key (table_id, hour, op, actor),
    constraint table_activity_base_belongs_to_a_watched_table foreign key (table_id) references audit.watched_table (table_id)
);
-- Charts ask for a range of hours of all tables.
create index table_activity_base_hour on audit.table_activity_base (hour);
comment on table audit.table_activity_base is 'Folded base of audit.table_activity.';
comment on column audit.table_activity_base.table_id is 'The watched table.';
comment on column audit.table_activity_base.hour is 'Start of the hour in which the changes occurred.';
comment on column audit.table_activity_base.op is 'I insert, U update, D delete, T truncate.';
comment on column audit.table_activity_base.actor is 'Who wrote: the actor if one was named, else the application, else the role.';
comment on column audit.table_activity_base.changes is 'Log rows.';
comment on column audit.table_activity_base.rows is 'Rows written.';

create table audit.rule_activity_base (
    rule_id integer not null,
    hour timestamptz not null,
    findings bigint not null,
    failed bigint not null,
    constraint rule_activity_base_pkey primary key (rule_id, hour),
    constraint rule_activity_base_belongs_to_a_rule foreign key (rule_id) references audit.rule (rule_id)
);
create index rule_activity_base_hour on audit.rule_activity_base (hour);
comment on table audit.rule_activity_base is 'Folded base of audit.rule_activity.';
comment on column audit.rule_activity_base.rule_id is 'The rule.';
comment on column audit.rule_activity_base.hour is 'Start of the hour in which the failures occurred.';
comment on column audit.rule_activity_base.findings is 'Statements with failing rows.';
comment on column audit.rule_activity_base.failed is 'Written rows that failed.';
