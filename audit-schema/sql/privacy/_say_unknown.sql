-- Says to whoever reads a table out of its log which columns the log does not know.
create or replace function audit._say_unknown(target regclass)
    returns void
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    unknown text;
begin
    select string_agg(c.name, ', ' order by c.name)
    into unknown
    from audit.watched_table w
    cross join unnest(w.redact || w.hash) c (name)
    where w.relation = target
        and w.unwatched_at is null;
    if unknown is not null then
        raise notice 'the log does not know the values of these columns of %: %', target, unknown;
    end if;
end;
$$;

comment on function audit._say_unknown(regclass) is 'Says to whoever reads a table out of its log which columns the log does not know.';
revoke all on function audit._say_unknown(regclass) from public;
