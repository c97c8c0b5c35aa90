-- What is known about the change that each row of a segment comes from. Each attribute is one value for all rows or an
-- array with one element a row.
create or replace function audit._contexts(
    rows integer,
    lsns pg_lsn[],
    xids xid8[],
    ats timestamptz[],
    occurred_ats timestamptz[],
    contexts json
)
    returns table (
        place bigint, lsn pg_lsn, xid xid8, at timestamptz, occurred_at timestamptz,
        session_role text, role text, actor text, application text, client inet, request_id text, cause text
    )
    language plpgsql
    stable
    rows 1000
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
    return query
    select
        e.place,
        coalesce(e.lsn, lsns[1]),
        coalesce(e.xid, xids[1]),
        coalesce(e.at, ats[1]),
        case when cardinality(lsns) = 1 then occurred_ats[1] else e.occurred_at end,
        coalesce(e.session_role, s.session_role),
        coalesce(e.role, s.role),
        coalesce(e.actor, s.actor),
        coalesce(e.application, s.application),
        coalesce(e.client, s.client)::inet,
        coalesce(e.request_id, s.request_id),
        coalesce(e.cause, s.cause)
    from (
        select
            min(c.value #>> '{}') filter (where c.key = 'session_role') as session_role,
            min(c.value #>> '{}') filter (where c.key = 'role') as role,
            min(c.value #>> '{}') filter (where c.key = 'actor') as actor,
            min(c.value #>> '{}') filter (where c.key = 'application') as application,
            min(c.value #>> '{}') filter (where c.key = 'client') as client,
            min(c.value #>> '{}') filter (where c.key = 'request_id') as request_id,
            min(c.value #>> '{}') filter (where c.key = 'cause') as cause
        from json_each(contexts) c
        where json_typeof(c.value) <> 'array'
    ) s
    cross join rows from (
        generate_series(1, rows),
        unnest(lsns),
        unnest(xids),
        unnest(ats),
        unnest(occurred_ats),
        json_array_elements_text(case when json_typeof(contexts -> 'session_role') = 'array' then contexts -> 'session_role' end),
        json_array_elements_text(case when json_typeof(contexts -> 'role') = 'array' then contexts -> 'role' end),
        json_array_elements_text(case when json_typeof(contexts -> 'actor') = 'array' then contexts -> 'actor' end),
        json_array_elements_text(case when json_typeof(contexts -> 'application') = 'array' then contexts -> 'application' end),
        json_array_elements_text(case when json_typeof(contexts -> 'client') = 'array' then contexts -> 'client' end),
        json_array_elements_text(case when json_typeof(contexts -> 'request_id') = 'array' then contexts -> 'request_id' end),
        json_array_elements_text(case when json_typeof(contexts -> 'cause') = 'array' then contexts -> 'cause' end)
    ) with ordinality e (n, lsn, xid, at, occurred_at, session_role, role, actor, application, client, request_id, cause, place);
end;
$$;

comment on function audit._contexts(integer, pg_lsn[], xid8[], timestamptz[], timestamptz[], json) is 'What is known about the change that each row of a segment comes from.';
revoke all on function audit._contexts(integer, pg_lsn[], xid8[], timestamptz[], timestamptz[], json) from public;
