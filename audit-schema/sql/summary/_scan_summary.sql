-- Reads a watched table with a query over {audit_source}, some hundred blocks at a time, and all in the snapshot of the
-- statement that calls it: that is what being stable means. How far it came stands in the application_name of the
-- session, which others see while this transaction is not over.
create or replace function audit._scan_summary(example anyelement, query text, target regclass, name text)
    returns setof anyelement
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    file record;
    step bigint;
    first bigint;
begin
    for file in
        with file as (
            select p.part::regclass as relation, p.blocks from audit._check_parts(target) p
        ), known as (
            -- A partition may not be readable by itself.
            select f.relation, f.blocks from file f where (select bool_and(has_table_privilege(f.relation, 'select')) from file f)
            union all
            select target, 0 where not coalesce((select bool_and(has_table_privilege(f.relation, 'select')) from file f), true)
        )
        select
            k.relation,
            k.blocks,
            coalesce(sum(k.blocks) over (order by k.relation::oid rows between unbounded preceding and 1 preceding), 0) as before,
            greatest(sum(k.blocks) over (), 1) as blocks_of_all
        from known k
    loop
        step := greatest(file.blocks / 100, 128);
        first := 0;
        loop
            perform set_config('application_name', format('audit: %s %s%%', name, floor(100 * (file.before + first) / file.blocks_of_all)), true);
            return query execute audit._filled(query, jsonb_build_object(
                'audit_source', format(
                    '%s audit_source%s',
                    file.relation,
                    case
                        when file.blocks = 0 then ''
                        when first + step >= file.blocks then format(' where audit_source.ctid >= ''(%s,0)''', first)
                        else format(' where audit_source.ctid >= ''(%s,0)'' and audit_source.ctid < ''(%s,0)''', first, first + step)
                    end
                )
            ));
            first := first + step;
            exit when first >= file.blocks;
        end loop;
    end loop;
end;
$$;

comment on function audit._scan_summary(anyelement, text, regclass, text) is 'Reads a watched table for a summary, in one snapshot and with progress.';
revoke all on function audit._scan_summary(anyelement, text, regclass, text) from public;
