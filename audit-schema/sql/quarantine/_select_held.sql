-- The rows that wait in quarantine and are meant by a filter, oldest first. The filter is a json object with any of ids,
-- table, rule, key, owner, since and until. A word that it does not know is refused: a typing error must not mean
-- everything.
create or replace function audit._select_held(filter jsonb, most bigint)
    returns setof uuid
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    unknown text;
    ids uuid[];
begin
    select string_agg(format('`%s`', f), ', ' order by f)
    into unknown
    from jsonb_object_keys(filter) f
    where f not in ('ids', 'table', 'rule', 'key', 'owner', 'since', 'until');
    if unknown is not null then
        raise exception using
            errcode = 'AU002',
            constraint = 'filter_is_not_known',
            message = format('quarantine can not be filtered by %s', unknown),
            hint = 'A filter has any of ids, table, rule, key, owner, since, until.';
    end if;
    select array_agg(i.id::uuid) into ids from jsonb_array_elements_text(filter -> 'ids') i (id);

    return query
    select q.quarantine_id
    from audit.quarantine q
    join audit.watched_table w using (table_id)
    where q.state = 'held'
        and (filter -> 'ids' is null or q.quarantine_id = any (ids))
        and (filter ->> 'table' is null or filter ->> 'table' in (w.name, split_part(w.name, '.', 2)))
        and (filter ->> 'key' is null or filter ->> 'key' = q.key)
        and (filter ->> 'since' is null or coalesce(q.occurred_at, q.at) >= (filter ->> 'since')::timestamptz)
        and (filter ->> 'until' is null or coalesce(q.occurred_at, q.at) < (filter ->> 'until')::timestamptz)
        and (
            filter ->> 'rule' is null
            or exists (select from audit.rule r where r.rule_id = any (q.rules) and r.name = filter ->> 'rule')
        )
        and (
            filter ->> 'owner' is null
            or exists (
                select from audit.rule r
                where r.rule_id = any (q.rules) and coalesce(nullif(r.owner, ''), w.owner) = filter ->> 'owner'
            )
        )
    order by q.lsn, q.quarantine_id
    limit most;
end;
$$;

comment on function audit._select_held(jsonb, bigint) is 'The rows that wait in quarantine and are meant by a filter, oldest first.';
revoke all on function audit._select_held(jsonb, bigint) from public;
