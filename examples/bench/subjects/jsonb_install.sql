-- The yardstick of log size: one row for every changed row, its versions as jsonb, and no index.
create schema bench_log;
create table bench_log.change (
    at timestamptz not null default clock_timestamp(),
    xid xid8 not null default pg_current_xact_id(),
    session_role text not null default session_user,
    relation regclass not null,
    op "char" not null,
    old jsonb,
    new jsonb
);
