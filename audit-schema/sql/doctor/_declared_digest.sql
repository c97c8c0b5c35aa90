-- A digest of everything that the generated functions of a table come from: its rules, its columns, its key, and the
-- version of the generator. What only people read (owner, reason, severity) is left out.
create or replace function audit._declared_digest(table_id integer)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select md5(concat_ws(
        E'\n',
        (select s.digest from audit.source s),
        w.name,
        w.key_columns::text,
        nullif(w.redact, '{}')::text,
        'hashed ' || nullif(w.hash, '{}')::text,
        (w.shape -> 'columns')::text,
        (
            select string_agg((to_jsonb(r) - '{severity,owner,why,fix_within,declared_at,declared_by,retired_at}'::text[])::text, E'\n' order by r.rule_id)
            from audit.rule r
            where r.table_id = w.table_id and r.retired_at is null
        ),
        (select string_agg(s.summary_id::text, ',' order by s.summary_id) from audit.summary s where s.table_id = w.table_id and s.retired_at is null)
    ))
    from audit.watched_table w
    where w.table_id = _declared_digest.table_id;
$$;

comment on function audit._declared_digest(integer) is 'A digest of everything that the generated functions of a table come from.';
revoke all on function audit._declared_digest(integer) from public;
