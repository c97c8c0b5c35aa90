-- Takes a summary back: its view and its base are gone when the transaction ends.
create or replace function audit.retire_summary(summary_id integer)
    returns void
    language plpgsql
    volatile
as $$
#variable_conflict use_variable
declare
    summary_name text;
begin
    update audit.summary s
    set retired_at = pg_catalog.now()
    where s.summary_id = retire_summary.summary_id
        and s.retired_at is null
    returning s.name into summary_name;
    if found then
        perform audit._drop_summary(summary_name);
    end if;
end;
$$;

comment on function audit.retire_summary(integer) is 'Takes a summary back: its view and its base are dropped.';
revoke all on function audit.retire_summary(integer) from public;
