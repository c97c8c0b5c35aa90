-- The question of a rule of the kind sql: does its query give any row? Their number and the first three are kept; only their
-- number where it reads a table with columns that are redacted or hashed.
create or replace function audit._ask_sql(rule audit.rule)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select format(
        $question$
            with audit_query as materialized (%s)
            select
                '{}'::jsonb as group_values,
                case when f.rows > 0 then 'failing' else 'ok' end as state,
                f.rows::text as value,
                'no row' as expected,
                format('%%s %%s', f.rows, case f.rows when 1 then 'row' else 'rows' end) as detail,
                null::timestamptz as starts,
                %s as samples
            from (select count(*) as rows from audit_query q) f
        $question$,
        rule.query,
        case when audit._reads_hidden(rule) then 'null::jsonb' else '(select jsonb_agg(to_jsonb(a.*)) from (select * from audit_query q limit 3) a)' end
    );
$$;

comment on function audit._ask_sql(audit.rule) is 'The question of a rule of the kind sql.';
revoke all on function audit._ask_sql(audit.rule) from public;
