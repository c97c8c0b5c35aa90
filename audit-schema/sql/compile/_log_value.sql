-- The expression that gives the logged value of one column of audit_row.
create or replace function audit._log_value(name text, plain boolean)
    returns text
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select case
        when plain then format('audit_row.%I', name)
        else format('case when num_nulls(audit_row.%1$I) = 0 then format(''%%s'', audit_row.%1$I) end', name)
    end;
$$;

comment on function audit._log_value(text, boolean) is 'The expression that gives the logged value of one column of audit_row.';
revoke all on function audit._log_value(text, boolean) from public;
