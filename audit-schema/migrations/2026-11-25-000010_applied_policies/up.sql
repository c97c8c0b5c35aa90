-- Who applied which policy, and what that changed. What is declared since by SQL is known by this: it is in force under
-- another number than the one that the last apply left.

create table audit.applied_policy (
    applied_id integer generated always as identity,
    applied_at timestamptz not null default now(),
    applied_by text not null default session_user,
    person text not null default '',
    program text not null default '',
    file text not null default '',
    revision text,
    digest text,
    created integer not null,
    changed integer not null,
    dropped integer not null,
    kept integer not null,
    changes jsonb not null,
    declared jsonb not null,
    constraint applied_policy_pkey primary key (applied_id)
);
comment on table audit.applied_policy is 'Each time that a policy was applied and changed something.';
comment on column audit.applied_policy.applied_id is 'The number of the apply: the highest one is the last.';
comment on column audit.applied_policy.applied_at is 'When.';
comment on column audit.applied_policy.applied_by is 'The role that was logged in.';
comment on column audit.applied_policy.person is 'Who ran the program: as named, or else the user of the operating system.';
comment on column audit.applied_policy.program is 'The program and its version.';
comment on column audit.applied_policy.file is 'The name of the policy file.';
comment on column audit.applied_policy.revision is 'The revision of the file in version control, if it was told.';
comment on column audit.applied_policy.digest is 'The sha256 of the file, as sha256sum prints it.';
comment on column audit.applied_policy.created is 'How many declarations were new.';
comment on column audit.applied_policy.changed is 'How many became different.';
comment on column audit.applied_policy.dropped is 'How many were taken back.';
comment on column audit.applied_policy.kept is 'How many declarations made by SQL were left as they were, though the file has them otherwise or not at all.';
comment on column audit.applied_policy.changes is 'Each change, as audit plan --format json shows it.';
comment on column audit.applied_policy.declared is 'What was in force afterwards because the policy says so: for each declaration the number under which it is stored.';
