-- What a team declares: the tables it watches, what correct data looks like, what is summed up.
-- A declaration that is taken back is kept with the time of its end, because findings and log rows go on naming it.

create table audit.watched_table (
    table_id integer generated always as identity,
    relation regclass not null,
    name text not null,
    why text not null default '',
    owner text not null default '',
    key_columns text[] not null default '{}',
    definition jsonb not null default '{}',
    watched_at timestamptz not null default now(),
    watched_by text not null default session_user,
    unwatched_at timestamptz,
    constraint watched_table_pkey primary key (table_id)
);
create unique index watched_table_relation_is_watched_once on audit.watched_table (relation) where unwatched_at is null;
comment on table audit.watched_table is 'A table that the pipeline is attached to.';
comment on column audit.watched_table.table_id is 'The number by which the log names the table.';
comment on column audit.watched_table.relation is 'The table itself; follows renames.';
comment on column audit.watched_table.name is 'Schema and name when the watch began.';
comment on column audit.watched_table.why is 'Why the table is audited, in the words of its owner.';
comment on column audit.watched_table.owner is 'Who answers for the data of the table: an e-mail address or a team.';
comment on column audit.watched_table.key_columns is 'The columns of the primary key, in its order; empty without one.';
comment on column audit.watched_table.definition is 'The table as the policy declares it, without its rules.';
comment on column audit.watched_table.watched_at is 'When the watch began.';
comment on column audit.watched_table.watched_by is 'The role that began the watch.';
comment on column audit.watched_table.unwatched_at is 'When the watch ended; null while it lasts.';

create table audit.rule (
    rule_id integer generated always as identity,
    table_id integer not null,
    name text not null,
    kind text not null,
    class text not null,
    columns text[] not null default '{}',
    definition jsonb not null default '{}',
    condition text,
    predicate text,
    applies text,
    query text,
    reads regclass[] not null default '{}',
    broken text,
    severity text not null default 'normal',
    action text not null default 'flag',
    mode text not null default 'set_aside',
    owner text not null default '',
    why text not null default '',
    fix_within interval,
    nulls text not null default 'pass',
    on_error text not null default 'pass',
    mostly double precision,
    shadow boolean not null default false,
    declared_at timestamptz not null default now(),
    declared_by text not null default session_user,
    retired_at timestamptz,
    constraint rule_pkey primary key (rule_id),
    constraint rule_belongs_to_a_watched_table foreign key (table_id) references audit.watched_table (table_id),
    constraint rule_kind_is_known check (kind in ('not_null', 'not_blank', 'one_of', 'not_one_of', 'range', 'length', 'matches',
        'format', 'not_future', 'expression', 'references', 'unique', 'no_overlap', 'immutable', 'transition', 'max_change', 'writers',
        'fresh', 'gap', 'row_count', 'volume', 'reconcile', 'sql', 'bounds')),
    constraint rule_class_is_known check (class in ('row', 'lookup', 'transition', 'statement', 'time')),
    constraint rule_severity_is_known check (severity in ('critical', 'important', 'normal', 'low')),
    constraint rule_action_is_known check (action in ('flag', 'quarantine', 'reject')),
    constraint rule_mode_is_known check (mode = 'set_aside' or mode = 'hide' and action = 'quarantine'),
    constraint rule_nulls_is_pass_or_fail check (nulls in ('pass', 'fail')),
    constraint rule_on_error_is_block_or_pass check (on_error in ('block', 'pass')),
    constraint rule_mostly_is_a_share_of_rows_that_are_only_flagged
        check (mostly is null or (mostly > 0 and mostly < 1 and action = 'flag' and class in ('row', 'lookup')))
);
create unique index rule_name_is_unique_in_its_table on audit.rule (table_id, name) where retired_at is null;
comment on table audit.rule is 'A statement of what correct data looks like. A rule fails for a row if and only if its predicate is false.';
comment on column audit.rule.rule_id is 'The number by which findings name the rule.';
comment on column audit.rule.table_id is 'The watched table whose rows the rule is about.';
comment on column audit.rule.name is 'Unique among the live rules of the table.';
comment on column audit.rule.kind is 'What is compared with what, for example not_null, range, references.';
comment on column audit.rule.class is 'What the rule looks at: row (one row by itself), lookup (other rows too), transition (an updated row before and after), statement (who writes), time (asked by the tick). Only of the first two can be said how many rows fail now.';
comment on column audit.rule.columns is 'The columns that the rule reads.';
comment on column audit.rule.definition is 'The options of the kind: bounds, values, pattern, referenced table, expression.';
comment on column audit.rule.condition is 'The rule is about rows for which this SQL condition is true; null means about all.';
comment on column audit.rule.predicate is 'The predicate as PostgreSQL understood it, fully qualified, over the row audit_row, and audit_old before an update; null for look-ups and writers.';
comment on column audit.rule.applies is 'The condition as PostgreSQL understood it, over the row audit_row.';
comment on column audit.rule.query is 'The query of a rule of the kind sql as PostgreSQL understood it, fully qualified; null for every other kind.';
comment on column audit.rule.reads is 'The relations besides its own table that a time-driven rule reads.';
comment on column audit.rule.broken is 'Why the rule can not be evaluated at present, for example after a column was dropped; null when it can.';
comment on column audit.rule.severity is 'Who hears of a failure, and how soon it must be fixed: critical (business critical), important, normal, low.';
comment on column audit.rule.action is 'What happens to a failing row: flag (written), quarantine (set aside), reject (the write fails).';
comment on column audit.rule.mode is 'What quarantine does with a row: set_aside takes it out of the table, hide leaves it there and hides it from a generated view.';
comment on column audit.rule.owner is 'Who has to fix what fails.';
comment on column audit.rule.why is 'Why the rule exists, in the words of its owner.';
comment on column audit.rule.fix_within is 'How long after it was found a failure may last; null means that nobody has to fix it.';
comment on column audit.rule.nulls is 'Whether a predicate that is null passes (the default) or fails.';
comment on column audit.rule.on_error is 'What a rule that itself raises an error does to the write: pass lets it through and records the error, block fails it.';
comment on column audit.rule.mostly is 'The share of rows that has to pass for the rule to be taken as kept by alerts and in the quality of its table; null means all of them.';
comment on column audit.rule.shadow is 'The rule is evaluated and counted, but never acts and never alerts.';
comment on column audit.rule.declared_at is 'When this version of the rule was declared.';
comment on column audit.rule.declared_by is 'The role that declared it.';
comment on column audit.rule.retired_at is 'When the rule was taken back or replaced by a newer version; null while it is in force.';

create table audit.summary (
    summary_id integer generated always as identity,
    table_id integer not null,
    name text not null,
    definition jsonb not null,
    start_lsn pg_lsn not null default '0/0',
    start_xid xid8,
    start_snapshot pg_snapshot,
    standing boolean not null default false,
    kept_from timestamptz not null default '-infinity',
    broken text,
    declared_at timestamptz not null default now(),
    declared_by text not null default session_user,
    retired_at timestamptz,
    constraint summary_pkey primary key (summary_id),
    constraint summary_belongs_to_a_watched_table foreign key (table_id) references audit.watched_table (table_id)
);
create unique index summary_name_is_unique on audit.summary (name) where retired_at is null;
create index summary_table_id on audit.summary (table_id);
comment on table audit.summary is 'An aggregate of a watched table that is exact at every moment. Its view and its base are in audit_compiled under its name.';
comment on column audit.summary.summary_id is 'The number of the summary.';
comment on column audit.summary.table_id is 'The watched table that is summed up.';
comment on column audit.summary.name is 'The name of its view in audit_compiled.';
comment on column audit.summary.definition is 'Bucket, groups, measures and condition as declared.';
comment on column audit.summary.start_lsn is 'Log position of the scan the summary started from: what its own transaction had changed before is in that scan.';
comment on column audit.summary.start_xid is 'The transaction that scanned; null before the summary has started.';
comment on column audit.summary.start_snapshot is 'The snapshot of the scan: what it did not see is folded.';
comment on column audit.summary.standing is 'Its view and its base are there. A version that was replaced stands until the new one has started.';
comment on column audit.summary.kept_from is 'Buckets that begin before this moment were dropped, because they were older than the summary retains.';
comment on column audit.summary.broken is 'Why changes could not be folded into it: its view gives this error until audit.compile() starts it anew; null while all is well.';
comment on column audit.summary.declared_at is 'When this version of the summary was declared.';
comment on column audit.summary.declared_by is 'The role that declared it.';
comment on column audit.summary.retired_at is 'When it was taken back; null while it is in force.';
