-- Refuses an expression that may give another value for the same row at another time, in another session or after another
-- row was written: a summary adds a row when it comes and takes it away when it goes, and both must be the same. PostgreSQL
-- asks the same of the condition of an index.
create or replace function audit._refuse_unstable(target regclass, canonical text, expression text)
    returns void
    language plpgsql
    volatile
    set search_path = pg_catalog
as $$
begin
    begin
        execute format('create temporary table audit_row (like %s)', target);
        execute format('create index on pg_temp.audit_row ((1)) where (%s) is not null', canonical);
        execute 'drop table pg_temp.audit_row';
    exception when invalid_object_definition or feature_not_supported or grouping_error or windowing_error then
        raise exception using
            errcode = 'AU002',
            constraint = 'predicate_is_not_valid',
            message = 'an expression of a summary must give the same for the same row at any time, in any session',
            detail = expression,
            hint = 'It may not look at the clock, at other rows, or at settings such as the time zone. A day is (time_hour at time zone ''America/New_York'')::date.';
    end;
end;
$$;

comment on function audit._refuse_unstable(regclass, text, text) is 'Refuses an expression that may give another value for the same row at another time.';
revoke all on function audit._refuse_unstable(regclass, text, text) from public;
