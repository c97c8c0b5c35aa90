-- Folds the segments after one into the summaries of a table. A summary whose expression raises an error for some row must
-- not keep the tick from its work for ever: it is found by folding each one alone, and gives that error to its readers
-- until audit.compile() starts it anew.
create or replace function audit._fold_summaries(table_id integer, after bigint)
    returns void
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    alone record;
begin
    if to_regproc(format('audit_compiled.fold_%s', table_id)) is null then
        return;
    end if;
    begin
        execute format('select audit_compiled.fold_%s($1)', table_id) using after;
        return;
    exception when data_exception or external_routine_exception or plpgsql_error or syntax_error_or_access_rule_violation then
        null;
    end;

    for alone in
        select s.summary_id, s.name from audit.summary s where s.table_id = _fold_summaries.table_id and s.standing and s.broken is null order by s.summary_id
    loop
        perform audit._compile_fold(table_id, array[alone.summary_id], 'alone');
        begin
            execute format('select audit_compiled.fold_%s_alone($1)', table_id) using after;
        exception when data_exception or external_routine_exception or plpgsql_error or syntax_error_or_access_rule_violation then
            raise warning 'changes can not be folded into the summary %: %', alone.name, sqlerrm;
            update audit.summary s set broken = sqlerrm where s.summary_id = alone.summary_id;
        end;
    end loop;
    execute format('drop function audit_compiled.fold_%s_alone(bigint)', table_id);
    perform audit._compile_fold(table_id);
end;
$$;

comment on function audit._fold_summaries(integer, bigint) is 'Folds the segments after one into the summaries of a table.';
revoke all on function audit._fold_summaries(integer, bigint) from public;
