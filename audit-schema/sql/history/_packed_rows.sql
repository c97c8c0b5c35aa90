-- The rows of a segment, each with what is known about the change it comes from.
create or replace function audit._packed_rows(segment audit.segment, key_columns text[])
    returns table (
        place bigint, old_key text, new_key text, old jsonb, new jsonb, lsn pg_lsn, xid xid8, at timestamptz, occurred_at timestamptz,
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
        r.place, r.old_key, r.new_key, r.old, r.new, x.lsn, x.xid, x.at, x.occurred_at,
        x.session_role, x.role, x.actor, x.application, x.client, x.request_id, x.cause
    from audit._rows(segment.rows, segment.old, segment.new, key_columns, packed => true) r
    join audit._contexts(segment.rows, segment.lsns, segment.xids, segment.ats, segment.occurred_ats, segment.contexts) x
        on x.place = r.place;
end;
$$;

comment on function audit._packed_rows(audit.segment, text[]) is 'The rows of a segment, each with what is known about the change it comes from.';
revoke all on function audit._packed_rows(audit.segment, text[]) from public;
