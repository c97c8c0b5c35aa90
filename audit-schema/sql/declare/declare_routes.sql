-- Declares all routes, in their order. They only have a meaning together, so that they come and go together; those that
-- stay in their place unchanged stay as they are.
create or replace function audit.declare_routes(definitions jsonb)
    returns void
    language sql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
    update audit.route r
    set retired_at = now()
    where r.retired_at is null
        and r.definition is distinct from definitions -> (r.position - 1);

    insert into audit.route (position, definition)
    select wanted.position, wanted.definition
    from jsonb_array_elements(definitions) with ordinality as wanted (definition, position)
    where not exists (select from audit.route r where r.position = wanted.position and r.retired_at is null);
$$;

comment on function audit.declare_routes(jsonb) is 'Declares all routes, in their order.';
revoke all on function audit.declare_routes(jsonb) from public;
