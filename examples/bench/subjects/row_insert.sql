-- A floor for row triggers: one insert of one number into a table without an index.
create schema if not exists bench_log;
create table if not exists bench_log.touched (id bigint);
create or replace function bench_touch() returns trigger language plpgsql as $$
begin
    insert into bench_log.touched values (coalesce(new.id, old.id));
    return null;
end;
$$;
create trigger bench_touch after insert or update or delete on {table} for each row execute function bench_touch();
