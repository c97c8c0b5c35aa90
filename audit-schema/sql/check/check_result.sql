-- What checks found, one row per check and rule.
create or replace view audit.check_result as
    select
        run.check_run_id,
        run.table_id,
        watched.name as table_name,
        (planned.rule ->> 'rule_id')::integer as rule_id,
        planned.rule ->> 'name' as name,
        planned.rule ->> 'severity' as severity,
        planned.rule ->> 'owner' as owner,
        planned.rule ->> 'how' as how,
        run.rows,
        (found.result ->> 'failing')::bigint as failing,
        (found.result ->> 'errors')::bigint as errors,
        found.result ->> 'error' as error,
        array(select jsonb_array_elements_text(found.result -> 'keys')) as keys,
        found.result -> 'samples' as samples,
        run.started_at,
        run.ended_at
    from audit.check_run run
    join audit.watched_table watched using (table_id)
    cross join lateral jsonb_array_elements(run.plan -> 'rules') with ordinality planned (rule, place)
    cross join lateral jsonb_array_elements(run.results) with ordinality found (result, place)
    where planned.place = found.place;

comment on view audit.check_result is 'What checks found, one row per check and rule.';
comment on column audit.check_result.check_run_id is 'The check.';
comment on column audit.check_result.table_id is 'The watched table.';
comment on column audit.check_result.table_name is 'Schema and name of the table.';
comment on column audit.check_result.rule_id is 'The rule.';
comment on column audit.check_result.name is 'Name of the rule.';
comment on column audit.check_result.severity is 'critical (business critical), important, normal, low.';
comment on column audit.check_result.owner is 'Who has to fix what fails.';
comment on column audit.check_result.how is 'row: asked of every row; whole: one statement over the whole table; proven: an index keeps it already.';
comment on column audit.check_result.rows is 'Rows read.';
comment on column audit.check_result.failing is 'Rows that fail the rule.';
comment on column audit.check_result.errors is 'Rows for which the rule raised an error.';
comment on column audit.check_result.error is 'The first such error.';
comment on column audit.check_result.keys is 'Primary keys of the first 100 failing rows, as text; places (ctid) in a table without one.';
comment on column audit.check_result.samples is 'The columns of the rule of three failing rows.';
comment on column audit.check_result.started_at is 'When the check began.';
comment on column audit.check_result.ended_at is 'When it had read everything; null until then.';
