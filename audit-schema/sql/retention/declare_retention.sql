-- Declares how long what is over is kept: of a table, or, without one, of everything that declares nothing else. keep is a json
-- object with a length of time or "forever" for each kind, taken whole: what is not in it is kept as is declared for all, or
-- for ever. audit.retain() carries it out.
create or replace function audit.declare_retention(target regclass, keep jsonb)
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    kinds text[] := '{changes,findings,quarantine,rejections,checks}';
    entry record;
    watched_id integer;
begin
    if target is null then
        kinds := kinds || '{alerts,deliveries}'::text[];
    else
        select w.table_id into watched_id from audit.watched_table w where w.relation = target and w.unwatched_at is null;
        if not found then
            raise exception using
                errcode = 'AU002',
                constraint = 'table_is_not_watched',
                message = format('%s is not watched', target),
                hint = format('Call audit.watch(%L) first.', target);
        end if;
    end if;
    for entry in select k.key, k.value from jsonb_each_text(keep) k loop
        if entry.key <> all (kinds) then
            raise exception using
                errcode = 'AU002',
                constraint = 'retention_kind_is_not_known',
                message = format('nothing is kept under the name `%s`', entry.key),
                hint = format('Expected one of %s.', array_to_string(kinds, ', '));
        end if;
        begin
            if entry.value <> 'forever' and not entry.value::interval > '0' then
                raise data_exception;
            end if;
        exception when data_exception then
            raise exception using
                errcode = 'AU002',
                constraint = 'retention_is_not_a_length_of_time',
                message = format('`%s` is not how long something can be kept', entry.value),
                hint = 'Write a length of time, as in 90 days, or forever.';
        end;
    end loop;

    update audit.progress p set retained_at = clock_timestamp() where p.retained_at is null;
    if target is not null then
        update audit.watched_table w set retain = keep where w.table_id = watched_id;
        return;
    end if;
    delete from audit.retention r where coalesce(keep ->> r.kind, 'forever') = 'forever';
    insert into audit.retention as r (kind, keep)
    select k.key, k.value from jsonb_each_text(keep) k where k.value <> 'forever'
    on conflict on constraint retention_pkey do update
    set keep = excluded.keep, declared_at = now(), declared_by = session_user
    where r.keep is distinct from excluded.keep;
end;
$$;

comment on function audit.declare_retention(regclass, jsonb) is 'Declares how long what is over is kept, of a table or of everything.';
revoke all on function audit.declare_retention(regclass, jsonb) from public;
