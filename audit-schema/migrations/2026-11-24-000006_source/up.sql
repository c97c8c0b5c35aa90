-- What is installed here. The program that finds its own migrations and the digest of its own functions in these two
-- tables has nothing to do when it starts.

create table audit.migration (
    version text not null,
    name text not null,
    applied_at timestamptz not null default now(),
    applied_by text not null default session_user,
    constraint migration_pkey primary key (version)
);
comment on table audit.migration is 'The migrations that ran in this database.';
comment on column audit.migration.version is 'Date and number of the migration.';
comment on column audit.migration.name is 'Its folder.';
comment on column audit.migration.applied_at is 'When it ran.';
comment on column audit.migration.applied_by is 'The role that ran it.';

create table audit.source (
    only_row boolean not null default true,
    digest text not null,
    applied_at timestamptz not null default now(),
    applied_by text not null default session_user,
    constraint source_pkey primary key (only_row),
    constraint source_has_one_row check (only_row)
);
comment on table audit.source is 'The text of the functions and views that were applied last: one row.';
comment on column audit.source.only_row is 'Always true.';
comment on column audit.source.digest is 'SHA-256 over every file, in hexadecimal.';
comment on column audit.source.applied_at is 'When they were applied.';
comment on column audit.source.applied_by is 'The role that applied them.';

-- A function that is made here is nobody's to run until a grant says so; what is generated can be read at once.
alter default privileges for role audit_owner revoke execute on functions from public;
alter default privileges for role audit_owner in schema audit, audit_compiled
    grant select on tables to audit_reader, audit_operator, audit_admin;
