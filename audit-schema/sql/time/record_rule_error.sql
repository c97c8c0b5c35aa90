-- Records that a time-driven rule could not be asked, because it raised an error or took too long. What was found before of its
-- groups stays as it is.
create or replace function audit.record_rule_error(rule_id integer, clock timestamptz, message text)
    returns void
    language sql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    select audit._record_answers(r, clock, jsonb_build_array(jsonb_build_object('group_values', '{}'::jsonb, 'state', 'error', 'detail', message)))
    from audit.rule r
    where r.rule_id = record_rule_error.rule_id
        and r.class = 'time'
        and r.retired_at is null;
$$;

comment on function audit.record_rule_error(integer, timestamptz, text) is 'Records that a time-driven rule could not be asked.';
revoke all on function audit.record_rule_error(integer, timestamptz, text) from public;
