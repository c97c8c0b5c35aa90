-- Releases rows of one table that have the same columns and stand for different rows of the table. What the table itself
-- stands in the way of is refused before anything is tried.
create or replace function audit._release_group(
    table_id integer,
    ids uuid[],
    names text[],
    located text[],
    overwrite boolean,
    out done uuid[],
    out outcomes text[],
    out reasons jsonb[]
)
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    relation regclass;
    table_name text;
    live integer;
    fact jsonb;
    lost text[];
    refused uuid[] := '{}';
begin
    select w.relation, w.name, l.table_id
    into relation, table_name, live
    from audit.watched_table w
    left join audit.watched_table l on l.relation = w.relation and l.unwatched_at is null
    where w.table_id = table_id;

    fact := case
        when not exists (select from pg_class c where c.oid = relation) then audit._release_fact('table_is_gone', table_name)
        when live is null then audit._release_fact('table_is_not_watched', table_name)
        when not exists (select from pg_index i where i.indrelid = relation and i.indisprimary) then audit._release_fact('table_has_no_primary_key', table_name)
    end;
    if fact is not null then
        refused := ids;
    else
        lost := array(select n from unnest(names) n except select c.name from audit._held_column(relation, '', '') c);
        if lost <> '{}' then
            refused := array(
                select q.quarantine_id
                from audit.quarantine q
                where q.quarantine_id = any (ids)
                    and exists (select from unnest(lost) l where q.row ->> l is not null)
            );
            fact := audit._release_fact('column_is_gone', array_to_string(lost, ', '));
        end if;
    end if;

    select array_agg(b.quarantine_id), array_agg(b.outcome), array_agg(b.reasons)
    into done, outcomes, reasons
    from (
        select r.id, 'refused', fact from unnest(refused) r (id)
        union all
        select b.quarantine_id, b.outcome, b.reasons
        from audit._release_batch(
            live,
            case when refused <> ids then to_jsonb(audit._release_statements(live, relation, names, located)) end,
            array(select i.id from unnest(ids) i (id) where i.id <> all (refused)),
            overwrite
        ) b
    ) b (quarantine_id, outcome, reasons);
end;
$$;

comment on function audit._release_group(integer, uuid[], text[], text[], boolean) is 'Releases rows of one table that have the same columns and stand for different rows of the table.';
revoke all on function audit._release_group(integer, uuid[], text[], text[], boolean) from public;
