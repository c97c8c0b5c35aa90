-- Checks the next rows of a check and records what was found together with how far it came. Two who work on the same check
-- take turns: the second waits for the batch of the first, and goes on behind it, so that no row is counted twice.
create or replace function audit.check_batch(check_run_id bigint, most integer)
    returns jsonb
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    run audit.check_run;
    progress jsonb;
begin
    select c.* into run from audit.check_run c where c.check_run_id = check_batch.check_run_id for update;
    if not found then
        raise exception using
            errcode = 'AU002',
            constraint = 'check_was_given_up',
            message = format('the check with the number %s is gone', check_run_id),
            hint = 'Somebody began it anew, or its rules were changed. Check again.';
    end if;
    progress := jsonb_build_object(
        'position', run.position, 'rows', run.rows, 'batches', run.batches, 'results', run.results, 'ended', run.ended_at is not null
    );
    if run.ended_at is not null then
        return progress;
    end if;

    progress := audit._check_step(run.plan, progress, greatest(most, 1));
    update audit.check_run c
    set
        position = nullif(progress -> 'position', 'null'),
        rows = (progress ->> 'rows')::bigint,
        batches = (progress ->> 'batches')::bigint,
        results = progress -> 'results',
        moved_at = clock_timestamp(),
        ended_at = case when (progress ->> 'ended')::boolean then clock_timestamp() end
    where c.check_run_id = check_batch.check_run_id;
    return progress;
end;
$$;

comment on function audit.check_batch(bigint, integer) is 'Checks the next rows of a check and records what was found together with how far it came.';
revoke all on function audit.check_batch(bigint, integer) from public;
