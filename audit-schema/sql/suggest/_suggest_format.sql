-- The first of these formats in which nearly all values of a column are written, with the number of rows that are not.
-- A thousand different values are tried first, so that all rows are only read for a format that fits.
create or replace function audit._suggest_format(source text, name text, formats text[])
    returns table (format text, failing bigint)
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    candidate text;
    predicate text;
    fits boolean;
begin
    foreach candidate in array formats loop
        predicate := audit._predicate('format', jsonb_build_object('column', name, 'format', candidate));
        execute pg_catalog.format(
            'select coalesce(count(*) filter (where %2$s) >= 0.98 * count(*), false) from (select audit_row.%1$I from %3$s where audit_row.%1$I is not null group by 1 limit 1000) audit_row',
            name, predicate, source
        )
        into fits;
        continue when not fits;
        execute pg_catalog.format('select count(*) from %s where (%s) is false', source, predicate) into failing;
        format := candidate;
        return next;
        return;
    end loop;
end;
$$;

comment on function audit._suggest_format(text, text, text[]) is 'The first of these formats in which nearly all values of a column are written.';
revoke all on function audit._suggest_format(text, text, text[]) from public;
