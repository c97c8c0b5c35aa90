-- Keeps the evidence of a rejection: what an error with SQLSTATE AU001 has in its DETAIL. Handed in twice it is kept once.
-- It must be called in a transaction of its own, after that of the writer has ended.
create or replace function audit.record_rejection(evidence json)
    returns boolean
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
    if json_typeof(evidence) <> 'object' or json_typeof(evidence -> 'rejected') is distinct from 'array'
        or evidence ->> 'rejection_id' is null
        or not exists (select from audit.watched_table w where w.table_id = (evidence ->> 'table_id')::integer)
    then
        raise exception using
            errcode = 'AU002',
            constraint = 'evidence_is_not_valid',
            message = 'this is not the evidence of a rejection',
            hint = 'Hand in the DETAIL of an error with SQLSTATE AU001 as it is.';
    end if;
    insert into audit.rejection (rejection_id, at, table_id, evidence)
    values ((evidence ->> 'rejection_id')::uuid, (evidence ->> 'at')::timestamptz, (evidence ->> 'table_id')::integer, evidence)
    on conflict on constraint rejection_pkey do nothing;
    return found;
end;
$$;

comment on function audit.record_rejection(json) is 'Keeps the evidence of a rejection: the DETAIL of an error with SQLSTATE AU001. True the first time.';
revoke all on function audit.record_rejection(json) from public;
