-- How patient a policy is, in seconds: for, keep_firing_for, repeat_every; null where it says nothing.
create or replace function audit._timing(definition jsonb)
    returns jsonb
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select jsonb_build_object(
        'for', extract(epoch from (definition ->> 'for')::interval)::bigint,
        'keep_firing_for', extract(epoch from (definition ->> 'keep_firing_for')::interval)::bigint,
        'repeat_every', extract(epoch from (definition ->> 'repeat_every')::interval)::bigint
    );
$$;

comment on function audit._timing(jsonb) is 'How patient an alert policy is, in seconds.';
revoke all on function audit._timing(jsonb) from public;
