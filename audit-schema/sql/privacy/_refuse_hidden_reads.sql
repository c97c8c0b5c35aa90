-- Refuses to compile a table of which something would keep values that must not be kept.
create or replace function audit._refuse_hidden_reads(table_id integer)
    returns void
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    read record;
begin
    select h.* into read from audit._hidden_reads() h where table_id in (h.table_id, h.hidden_of) limit 1;
    if found then
        raise exception using
            errcode = 'AU002',
            constraint = 'column_is_redacted',
            column = read."column",
            message = format('the %s `%s` reads the column `%s`, whose values must not be kept', read.object, read.name, read."column"),
            hint = format('Leave the column out of the %s, or do not redact or hash it.', read.object);
    end if;
end;
$$;

comment on function audit._refuse_hidden_reads(integer) is 'Refuses to compile a table of which something would keep values that must not be kept.';
revoke all on function audit._refuse_hidden_reads(integer) from public;
