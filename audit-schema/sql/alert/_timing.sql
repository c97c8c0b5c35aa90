-- How patient a policy is, in seconds: for, keep_firing_for, repeat_every, reopen_within, and after which time it escalates;
-- null where it says nothing.
create or replace function audit._timing(definition jsonb)
    returns jsonb
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select jsonb_build_object(
        'for', extract(epoch from (definition ->> 'for')::interval)::bigint,
        'keep_firing_for', extract(epoch from (definition ->> 'keep_firing_for')::interval)::bigint,
        'repeat_every', extract(epoch from (definition ->> 'repeat_every')::interval)::bigint,
        'reopen_within', extract(epoch from (definition ->> 'reopen_within')::interval)::bigint,
        'escalate_after', extract(epoch from (definition #>> '{escalate,after}')::interval)::bigint,
        'escalate_to', definition #>> '{escalate,severity}'
    );
$$;

comment on function audit._timing(jsonb) is 'How patient an alert policy is, in seconds.';
revoke all on function audit._timing(jsonb) from public;
