-- How many of the rows that are looked at repeat the values of another one in these columns, rows with a null in them left
-- out.
create or replace function audit._suggest_duplicates(source text, names text[])
    returns bigint
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    result bigint;
begin
    execute format(
        'select coalesce(sum(audit_key.rows - 1), 0) from (select count(*) as rows from %s where %s group by %s) audit_key',
        source,
        (select string_agg(format('audit_row.%I is not null', c), ' and ') from unnest(names) c),
        (select string_agg(format('audit_row.%I', c), ', ') from unnest(names) c)
    )
    into result;
    return result;
end;
$$;

comment on function audit._suggest_duplicates(text, text[]) is 'How many of the rows that are looked at repeat the values of another one in these columns.';
revoke all on function audit._suggest_duplicates(text, text[]) from public;
