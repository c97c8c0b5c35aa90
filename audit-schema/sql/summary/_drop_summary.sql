-- Drops what was generated for the summary that stands under a name.
create or replace function audit._drop_summary(name text)
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    dropped record;
    generated record;
begin
    for dropped in
        update audit.summary s set standing = false where s.name = _drop_summary.name and s.standing returning s.summary_id, s.table_id
    loop
        -- A tick that is folding is waited for here, and not for the base, which it may be about to need.
        perform pg_advisory_xact_lock(hashtextextended('audit.tick', 0));
        execute format('drop view if exists audit_compiled.%I', name);
        for generated in
            select c.relname
            from pg_class c
            where c.relnamespace = 'audit_compiled'::regnamespace
                and c.relkind = 'r'
                and (c.relname = name || '_base' or left(c.relname, length(name) + 8) = name || '_values_')
        loop
            execute format('drop table audit_compiled.%I', generated.relname);
        end loop;
        perform audit._compile_fold(dropped.table_id);
    end loop;
end;
$$;

comment on function audit._drop_summary(text) is 'Drops what was generated for the summary that stands under a name.';
revoke all on function audit._drop_summary(text) from public;
