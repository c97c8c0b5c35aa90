-- Refuses a table whose row-level security would hide rows from the pipeline: what it counts, looks up or takes out would
-- be wrong without anybody noticing.
create or replace function audit._refuse_hidden_rows(target regclass)
    returns void
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (
        select
        from pg_class c
        cross join pg_roles r
        where c.oid = target
            and c.relrowsecurity
            and r.rolname = 'audit_owner'
            and not r.rolbypassrls
    ) then
        raise exception using
            errcode = 'AU002',
            constraint = 'row_security_hides_rows',
            message = format('row-level security hides rows of %s from the pipeline', target),
            hint = 'Let a superuser run: alter role audit_owner bypassrls';
    end if;
end;
$$;

comment on function audit._refuse_hidden_rows(regclass) is 'Refuses a table whose row-level security would hide rows from the pipeline.';
revoke all on function audit._refuse_hidden_rows(regclass) from public;
