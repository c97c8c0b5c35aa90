-- The versions of a row, oldest first, completed with the columns that updates of many rows left out, as far as the
-- versions before and after tell them. `follows` says whether a version continues the one before; where the columns of the
-- table changed in between, as `shapes` tell, nothing is carried over.
create or replace function audit._completed(olds jsonb[], news jsonb[], shapes integer[], follows boolean[])
    returns table (version bigint, old jsonb, new jsonb)
    language plpgsql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    known jsonb;
begin
    for here in 1 .. coalesce(cardinality(shapes), 0) loop
        if not follows[here] or shapes[here] <> shapes[here - 1] then
            known := null;
        end if;
        olds[here] := coalesce(known || olds[here], olds[here]);
        news[here] := coalesce(known || news[here], news[here]);
        known := news[here];
    end loop;

    known := null;
    for here in reverse coalesce(cardinality(shapes), 0) .. 1 loop
        olds[here] := coalesce(known || olds[here], olds[here]);
        news[here] := coalesce(known || news[here], news[here]);
        known := case when follows[here] and shapes[here] = shapes[here - 1] then olds[here] end;
    end loop;
    return query select v.version, v.old, v.new from unnest(olds, news) with ordinality v (old, new, version);
end;
$$;

comment on function audit._completed(jsonb[], jsonb[], integer[], boolean[]) is 'The versions of a row, completed with the columns that updates of many rows left out.';
revoke all on function audit._completed(jsonb[], jsonb[], integer[], boolean[]) from public;
