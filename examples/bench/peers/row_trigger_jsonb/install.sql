-- An example of a peer: the common kind of audit extension, a row trigger that logs both versions as jsonb. This file
-- runs once in a database.
create schema peer;
create table peer.log (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    who text not null default session_user,
    relation regclass not null,
    op text not null,
    old jsonb,
    new jsonb
);
create index on peer.log (relation, at);
create function peer.log_row() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into peer.log (relation, op, old, new)
    values (
        tg_relid,
        tg_op,
        case when tg_op <> 'INSERT' then to_jsonb(old) end,
        case when tg_op <> 'DELETE' then to_jsonb(new) end
    );
    return null;
end;
$$;
