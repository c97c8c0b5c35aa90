-- Checks of rows that exist already. A check reads a table in many short transactions, and each of them commits what it
-- found together with how far it came: so a check that was cut off goes on where it stopped, and counts no row twice.

create table audit.check_run (
    check_run_id bigint generated always as identity,
    table_id integer not null,
    rules integer[] not null,
    plan jsonb not null,
    expected bigint not null,
    position jsonb,
    rows bigint not null default 0,
    batches bigint not null default 0,
    results jsonb not null,
    started_at timestamptz not null default clock_timestamp(),
    started_by text not null default session_user,
    moved_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    constraint check_run_pkey primary key (check_run_id),
    constraint check_run_belongs_to_a_watched_table foreign key (table_id) references audit.watched_table (table_id)
);
create unique index check_run_is_unfinished_once on audit.check_run (table_id, rules) where ended_at is null;
create index check_run_table_id on audit.check_run (table_id, ended_at);
comment on table audit.check_run is 'One reading of one watched table by audit check: its rules, how far it came, what it found. No finding is made of it, because nothing was written.';
comment on column audit.check_run.check_run_id is 'The number of the check.';
comment on column audit.check_run.table_id is 'The watched table that is read.';
comment on column audit.check_run.rules is 'The rules that are checked. References audit.rule.';
comment on column audit.check_run.plan is 'What is evaluated, as it was when the check began: how rows are told apart, where it ends, and the condition under which a row fails each rule.';
comment on column audit.check_run.expected is 'About how many rows there were when it began.';
comment on column audit.check_run.position is 'How far it came: the last primary key as texts, or the part and the block in a table without one; null before the first batch.';
comment on column audit.check_run.rows is 'Rows read.';
comment on column audit.check_run.batches is 'Transactions that it took.';
comment on column audit.check_run.results is 'What was found, in the order of the rules of the plan: rows that fail, the keys of the first 100, three samples, rows for which the rule raised an error.';
comment on column audit.check_run.started_at is 'When it began, by the clock of the server.';
comment on column audit.check_run.started_by is 'The role that began it.';
comment on column audit.check_run.moved_at is 'When its last batch was recorded.';
comment on column audit.check_run.ended_at is 'When it had read everything; null until then.';
