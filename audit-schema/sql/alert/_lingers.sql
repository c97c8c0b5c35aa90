-- The SQL condition under which an alert goes on although its own condition does not hold any more: the one that ends it,
-- until, does not hold either. A policy without one ends when its condition does. What can not be said, because there is
-- no number any more, is over.
create or replace function audit._lingers(definition jsonb)
    returns text
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
    set standard_conforming_strings = on
as $$
    select case
        when definition ->> 'until' is null then 'false'
        else format(E'coalesce(not (%s\n), false)', definition ->> 'until')
    end;
$$;

comment on function audit._lingers(jsonb) is 'The SQL condition under which an alert goes on although its own condition does not hold any more.';
revoke all on function audit._lingers(jsonb) from public;
