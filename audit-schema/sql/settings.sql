-- A session may read backslashes in its literals as escapes, as PostgreSQL did before 9.1. The functions here are text that
-- is read when they are first called, and some build statements out of other text: all are read as they were written.
-- PostgreSQL puts a function in SQL without settings of its own in the place of its call: those have no backslash.
do $$
declare
    pinned regprocedure;
begin
    for pinned in
        select p.oid
        from pg_catalog.pg_proc p
        join pg_catalog.pg_language l on l.oid = p.prolang
        where p.pronamespace = 'audit'::regnamespace
            and (l.lanname = 'plpgsql' or l.lanname = 'sql' and p.proconfig is not null)
        order by p.oid
    loop
        execute format('alter function %s set standard_conforming_strings = on', pinned);
    end loop;
end;
$$;
