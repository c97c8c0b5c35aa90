-- The aggregate that gives how many rows of a transition table go into one chunk: 1,000, fewer where rows are so wide
-- that a chunk would pass 8 MB. octet_length() and pg_column_size() do not fetch what is stored out of line.
create or replace function audit._log_chunk_rows(target regclass)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(
        'least(1000, greatest(1, 8388608 / greatest(1, max('
            || string_agg(
                format(
                    case when c.type ~ '^(text|character|character varying|bytea)(\(\d+\))?$' then 'coalesce(octet_length(audit_row.%I), 0)' else '4 * coalesce(pg_column_size(audit_row.%I), 0)' end,
                    c.name
                ),
                ' + '
            ) filter (where c.wide and c.type !~ '^character(?: varying)?\((?:\d|\d\d)\)$')
            || '))))',
        '1000'
    )
    from audit._log_column(target) c;
$$;

comment on function audit._log_chunk_rows(regclass) is 'The aggregate that gives how many rows of a transition table go into one chunk.';
revoke all on function audit._log_chunk_rows(regclass) from public;
