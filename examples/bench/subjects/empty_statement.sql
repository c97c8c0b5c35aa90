-- A floor: no trigger that looks at the rows of a statement can cost less.
create function bench_nothing() returns trigger language plpgsql as $$
begin
    return null;
end;
$$;
create trigger bench_insert after insert on {table} referencing new table as new_rows for each statement execute function bench_nothing();
create trigger bench_update after update on {table} referencing old table as old_rows new table as new_rows for each statement execute function bench_nothing();
create trigger bench_delete after delete on {table} referencing old table as old_rows for each statement execute function bench_nothing();
