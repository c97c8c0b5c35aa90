-- The part of a generated function that looks who writes, once per statement. op is I, U, D or T. What the pipeline
-- itself does to set rows aside was judged with the statement that it follows.
create or replace function audit._writers(table_id integer, op text)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(string_agg(
        format(
            E'    %s_failed_%s := not (%s)\n        and (coalesce(current_setting(''audit.cause'', true), '''') <> ''quarantine'' or pg_trigger_depth() = 1);\n',
            case when op in ('I', 'U') then 'new' else 'old' end,
            r.rule_id,
            concat_ws(
                ' and ',
                case when r.definition ? 'roles' then format('(session_user::text = any (%1$L::text[]) or current_setting(''role'') = any (%1$L::text[]))', w.roles) end,
                case when r.definition ? 'applications' then format('coalesce(current_setting(''application_name'', true), '''') = any (%L::text[])', w.applications) end
            )
        ),
        '' order by r.rule_id
    ), '')
    from audit._compiled_rule(table_id, 'new') r
    cross join lateral (
        select
            array(select jsonb_array_elements_text(r.definition -> 'roles'))::text as roles,
            array(select jsonb_array_elements_text(r.definition -> 'applications'))::text as applications
    ) w
    where r.class = 'statement';
$$;

comment on function audit._writers(integer, text) is 'The part of a generated function that looks who writes, once per statement.';
revoke all on function audit._writers(integer, text) from public;
