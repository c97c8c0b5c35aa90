create function bench_log.insert_{table}() returns trigger language plpgsql as $$
begin
    insert into bench_log.change (relation, op, new) select tg_relid, 'I', to_jsonb(n.*) from new_rows n;
    return null;
end;
$$;
create function bench_log.update_{table}() returns trigger language plpgsql as $$
begin
    insert into bench_log.change (relation, op, old, new)
    select tg_relid, 'U', to_jsonb(o.*), to_jsonb(n.*) from old_rows o join new_rows n using (id);
    return null;
end;
$$;
create function bench_log.delete_{table}() returns trigger language plpgsql as $$
begin
    insert into bench_log.change (relation, op, old) select tg_relid, 'D', to_jsonb(o.*) from old_rows o;
    return null;
end;
$$;
create trigger bench_insert after insert on {table} referencing new table as new_rows for each statement execute function bench_log.insert_{table}();
create trigger bench_update after update on {table} referencing old table as old_rows new table as new_rows for each statement execute function bench_log.update_{table}();
create trigger bench_delete after delete on {table} referencing old table as old_rows for each statement execute function bench_log.delete_{table}();
