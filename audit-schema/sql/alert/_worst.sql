-- The worst of some severities.
create or replace function audit._worst(severities text[])
    returns text
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select (array['critical', 'important', 'normal', 'low'])[min(array_position(array['critical', 'important', 'normal', 'low'], severity))]
    from unnest(severities) as severity;
$$;

comment on function audit._worst(text[]) is 'The worst of some severities.';
revoke all on function audit._worst(text[]) from public;
