-- Says on whose behalf the current transaction writes, for which request, and when what it writes happened. What is
-- not given is unset. Watched tables read it when they are written to; it ends with the transaction.
create or replace function audit.set_context(
    actor text default null,
    request_id text default null,
    occurred_at timestamptz default null
)
    returns void
    language plpgsql
    volatile
as $$
begin
    -- The log reads a number of at most 16 digits and nothing else, so that no setting can make a write fail.
    if occurred_at < '1970-01-01 00:00:00+00' or occurred_at >= '2286-11-20 00:00:00+00' then
        raise exception 'occurred_at must lie between 1970 and 2286'
            using errcode = 'AU002', constraint = 'occurred_at_is_in_range', detail = occurred_at::text;
    end if;
    perform
        pg_catalog.set_config('audit.actor', coalesce(actor, ''), true),
        pg_catalog.set_config('audit.request_id', coalesce(request_id, ''), true),
        pg_catalog.set_config('audit.occurred_at',
            coalesce(((extract(epoch from occurred_at) * 1000000)::bigint)::text, ''), true);
end;
$$;

comment on function audit.set_context(text, text, timestamptz) is 'Says on whose behalf the current transaction writes, for which request, and when what it writes happened. What is not given is unset.';
