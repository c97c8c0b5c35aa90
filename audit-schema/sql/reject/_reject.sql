-- Fails the statement, and keeps the evidence where its rollback does not reach: in a line of the server's log, which is
-- written even when the error is caught or the log leaves details out, and through a second connection where there is
-- one. A release from quarantine that was only tried leaves none: it answers with the reasons itself. Programs read the
-- fields of the error: SQLSTATE AU001, the first rule as its constraint, schema, table and column, and all of it as json
-- in DETAIL.
create or replace function audit._reject(table_id integer, op text, rows bigint, refusals jsonb)
    returns void
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    evidence json := audit._evidence(table_id, op, rows, refusals);
    first json := evidence -> 'rejected' -> 0;
    stack text;
    said text;
    advice text;
    schema_name text;
    table_name text;
begin
    select n.nspname, c.relname
    into schema_name, table_name
    from audit.watched_table w
    join pg_class c on c.oid = w.relation
    join pg_namespace n on n.oid = c.relnamespace
    where w.table_id = _reject.table_id;

    select
        string_agg(
            case
                when r.value ->> 'rows' = '0' then format('rule `%s` fails', r.value ->> 'rule')
                when r.value ->> 'error' is null then format('rule `%s` fails for %s of %s rows', r.value ->> 'rule', r.value ->> 'rows', rows)
                else format('rule `%s` can not be evaluated: %s', r.value ->> 'rule', r.value ->> 'error')
            end,
            '; ' order by r.position
        ),
        string_agg(distinct r.value ->> 'why', ' ')
    into said, advice
    from json_array_elements(evidence -> 'rejected') with ordinality r (value, position);

    get diagnostics stack = pg_context;
    if position('audit._release_batch(' in replace(stack, '"', '')) = 0 then
        raise log 'audit rejection %', evidence;
        perform audit._keep_rejection(evidence);
    end if;
    raise exception using
        errcode = 'AU001',
        message = format('%s refuses the %s: %s', evidence ->> 'table', evidence ->> 'op', said),
        detail = evidence,
        hint = concat_ws(' ', advice, 'Nothing of the statement was written. Correct the rows, or ask the owner of the rule.'),
        schema = schema_name,
        table = table_name,
        column = case when json_array_length(coalesce(first -> 'columns', '[]')) = 1 then first -> 'columns' ->> 0 else '' end,
        constraint = first ->> 'rule';
end;
$$;

comment on function audit._reject(integer, text, bigint, jsonb) is 'Fails the statement, and keeps the evidence where its rollback does not reach.';
revoke all on function audit._reject(integer, text, bigint, jsonb) from public;
