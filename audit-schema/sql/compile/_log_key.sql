-- The expression that gives the primary key of audit_row as text: the value itself for one column, a json array for
-- several. It is the same text that the value has in the log, so that a key can be taken from a logged row.
create or replace function audit._log_key(target regclass, key_columns text[])
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select case count(*)
        when 0 then 'null::text'
        when 1 then min(case
            when c.type ~ '^(date|timestamp)' then format('to_json(audit_row.%I) #>> ''{}''', c.name)
            when c.plain then format('audit_row.%I::text', c.name)
            else c.value
        end)
        else format('json_build_array(%s)::text', string_agg(c.value, ', ' order by k.position))
    end
    from unnest(key_columns) with ordinality k (name, position)
    join audit._log_column(target) c on c.name = k.name;
$$;

comment on function audit._log_key(regclass, text[]) is 'The expression that gives the primary key of audit_row as text.';
revoke all on function audit._log_key(regclass, text[]) from public;
