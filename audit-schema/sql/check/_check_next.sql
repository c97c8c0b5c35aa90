-- The next batch of a check: from where, under which condition, and the position behind it. With a primary key it ends
-- after so many rows, else after as many blocks as hold about so many. No row comes back when everything was read.
create or replace function audit._check_next(plan jsonb, place jsonb, most integer)
    returns table (source text, behind jsonb, upto jsonb, next_place jsonb)
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    part integer := coalesce((place ->> 'part')::integer, 0);
    block bigint := coalesce((place ->> 'block')::bigint, 0);
    blocks bigint;
    until bigint;
begin
    if (plan ->> 'by_key')::boolean then
        if jsonb_typeof(plan -> 'upto') = 'null' or place = plan -> 'upto' then
            return;
        end if;
        source := ((plan ->> 'relation')::oid::regclass)::text;
        behind := place;
        execute format(
            'select %s from %s audit_row where %s order by %s offset %s limit 1',
            plan ->> 'place',
            source,
            audit._check_range(plan, place, plan -> 'upto'),
            plan ->> 'order',
            most - 1
        )
        into upto;
        upto := coalesce(upto, plan -> 'upto');
        next_place := upto;
        return next;
        return;
    end if;

    while part < jsonb_array_length(plan -> 'upto') loop
        blocks := (plan -> 'upto' -> part ->> 'blocks')::bigint;
        -- A part may have been dropped since.
        select case when c.relhassubclass then '' else 'only ' end || c.oid::regclass, block + greatest(1, ceil(most / greatest(1, case when c.relpages > 0 and c.reltuples > 0 then c.reltuples / c.relpages else 50 end)))
        into source, until
        from pg_class c
        where c.oid = (plan -> 'upto' -> part ->> 'part')::oid and block < blocks;
        if found then
            until := least(until, blocks);
            behind := jsonb_build_array(format('(%s,0)', block));
            upto := jsonb_build_array(format('(%s,0)', until));
            next_place := jsonb_build_object('part', part, 'block', until);
            return next;
            return;
        end if;
        part := part + 1;
        block := 0;
    end loop;
end;
$$;

comment on function audit._check_next(jsonb, jsonb, integer) is 'The next batch of a check: from where, under which condition, and the position behind it.';
revoke all on function audit._check_next(jsonb, jsonb, integer) from public;
