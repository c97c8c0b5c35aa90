-- Puts rows of one table back by the ordinary write path: the table's constraints and triggers, and the rules. All rows go
-- in one statement of each kind. When some fail, everything is undone, those that are known to fail are taken out, and the
-- rest is tried again; where it is not known which ones fail, each half is tried by itself. Gives for every row what came
-- of it: released, refused with the reasons, or gone, which is a hidden row that is no longer there.
create or replace function audit._release_batch(table_id integer, statements jsonb, ids uuid[], overwrite boolean)
    returns table (quarantine_id uuid, outcome text, reasons jsonb)
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    place record;
    inserts uuid[] := '{}';
    updates uuid[] := '{}';
    gone uuid[] := '{}';
    refused uuid[] := '{}';
    refusals jsonb[] := '{}';
    failing jsonb;
    complete boolean := true;
    facts jsonb;
    start_at timestamptz;
    start_lsn pg_lsn;
    written bigint := 0;
    replaced bigint := 0;
    state text;
    message text;
    detail text;
    constraint_name text;
    column_name text;
    half integer := cardinality(ids) / 2;
begin
    if ids = '{}' then
        return;
    end if;
    begin
        perform set_config('audit.cause', 'release', true);
        execute statements ->> 'lock' using ids;
        for place in execute statements ->> 'compare' using ids loop
            case
                when place.mode = 'hide' and not place.present then
                    gone := gone || place.quarantine_id;
                when place.mode = 'hide' and not place.edited and place.fails = '{}' then
                    null;
                when place.mode = 'hide' and not place.edited then
                    refused := refused || place.quarantine_id;
                    refusals := array_append(refusals, (select jsonb_agg(audit._rule_reason(f) order by f) from unnest(place.fails) f));
                when place.present and (overwrite or place.same and (place.op = 'U' or place.mode = 'hide')) then
                    updates := updates || place.quarantine_id;
                when not place.present and (overwrite or place.op = 'I') then
                    inserts := inserts || place.quarantine_id;
                else
                    refused := refused || place.quarantine_id;
                    refusals := array_append(refusals, audit._release_fact(case
                        when not place.present then 'row_is_gone'
                        when place.op = 'I' and place.mode = 'set_aside' then 'key_is_taken'
                        else 'row_changed'
                    end));
            end case;
        end loop;

        start_at := clock_timestamp();
        start_lsn := pg_current_wal_insert_lsn();
        if inserts <> '{}' then
            execute statements ->> 'insert' using inserts;
            get diagnostics written = row_count;
        end if;
        if updates <> '{}' then
            execute statements ->> 'update' using updates;
            get diagnostics replaced = row_count;
        end if;
        if statements ->> 'constraints' is not null then
            execute format('set constraints %s immediate', statements ->> 'constraints');
            execute format('set constraints %s deferred', statements ->> 'constraints');
        end if;
        select f.failing, f.facts into failing, facts from audit._release_failures(table_id, inserts || updates, start_at, start_lsn) f;
        if facts is null and (written <> cardinality(inserts) or replaced <> cardinality(updates)) then
            facts := audit._release_fact('row_was_not_written');
        end if;
        if facts is not null then
            raise exception using errcode = 'AU009', message = 'some rows can not be released';
        end if;

        return query
        select i.id, case when r.reasons is not null then 'refused' when i.id = any (gone) then 'gone' else 'released' end, r.reasons
        from unnest(ids) i (id)
        left join unnest(refused, refusals) r (id, reasons) on r.id = i.id;
        return;
    exception when others then
        get stacked diagnostics
            state = returned_sqlstate, message = message_text, detail = pg_exception_detail,
            constraint_name = constraint_name, column_name = column_name;
        -- The server or another session is in the way, not a row: whoever called may try again.
        if left(state, 2) in ('40', '53', '55', '57', '58', 'XX') then
            raise;
        end if;
    end;

    if state = 'AU001' then
        select f.failing, f.complete, f.facts
        into failing, complete, facts
        from audit._refusal(table_id, inserts || updates, constraint_name, message, detail) f;
    elsif state <> 'AU009' then
        failing := null;
        facts := jsonb_build_array(jsonb_build_object(
            'kind', case left(state, 2) when '23' then 'constraint' else 'error' end,
            'name', coalesce(nullif(constraint_name, ''), nullif(column_name, ''), state),
            'message', case
                when audit._hidden(table_id) = '{}' then concat_ws(': ', message, nullif(detail, ''))
                -- The message of a constraint names the constraint, and its detail has the values.
                when left(state, 2) = '23' then message
                else audit._unsaid(state)
            end
        ));
    end if;
    if half = 0 then
        return query select ids[1], 'refused', coalesce(failing -> ids[1]::text, facts);
    elsif failing is not null and complete then
        return query select f.key::uuid, 'refused', f.value from jsonb_each(failing) f;
        return query select b.* from audit._release_batch(table_id, statements, array(select i.id from unnest(ids) i (id) where not failing ? i.id::text), overwrite) b;
    else
        return query select b.* from audit._release_batch(table_id, statements, ids[:half], overwrite) b;
        return query select b.* from audit._release_batch(table_id, statements, ids[half + 1:], overwrite) b;
    end if;
end;
$$;

comment on function audit._release_batch(integer, jsonb, uuid[], boolean) is 'Puts rows of one table back by the ordinary write path, and gives for every row what came of it.';
revoke all on function audit._release_batch(integer, jsonb, uuid[], boolean) from public;
