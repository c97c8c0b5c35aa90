-- The referenced table of which a group shows a column, as a rule of the table names it: table, key and column. The key
-- has to be unique there, or a row would be counted once for each of its namesakes.
create or replace function audit._reference(table_id integer, expression text, reference jsonb)
    returns jsonb
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    relation regclass := to_regclass(reference ->> 'table');
    message text;
begin
    if reference is null then
        return null;
    end if;
    message := case
        when not exists (
            select
            from audit.rule r
            where r.table_id = _reference.table_id
                and r.retired_at is null
                and r.kind = 'references'
                and expression in (r.definition ->> 'column', quote_ident(r.definition ->> 'column'))
                and r.definition ->> 'table' = reference ->> 'table'
                and r.definition ->> 'key' = reference ->> 'key'
        ) then format('no rule says that %s references %s.%s', expression, reference ->> 'table', reference ->> 'key')
        when not exists (
            select from pg_attribute a where a.attrelid = relation and a.attname = reference ->> 'column' and a.attnum > 0 and not a.attisdropped
        ) then format('%s has no column `%s`', reference ->> 'table', reference ->> 'column')
        when not exists (
            select
            from pg_index i
            join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
            where i.indrelid = relation
                and i.indisunique
                and i.indisvalid
                and i.indnkeyatts = 1
                and i.indpred is null
                and a.attname = reference ->> 'key'
        ) then format('%s needs a unique index on %s, or a row could belong to several groups', reference ->> 'table', reference ->> 'key')
    end;
    if message is not null then
        raise exception using
            errcode = 'AU002',
            constraint = 'group_follows_a_references_rule',
            message = message,
            detail = expression;
    end if;
    return reference || jsonb_build_object('table', (
        select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = relation
    ));
end;
$$;

comment on function audit._reference(integer, text, jsonb) is 'The referenced table of which a group shows a column.';
revoke all on function audit._reference(integer, text, jsonb) from public;
