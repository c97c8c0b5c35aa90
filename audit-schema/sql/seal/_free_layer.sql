-- The first layer in which no segment of the same table and month overlaps the keys of a new one; null when all are taken
-- or it has no keys. Inserts have layers of their own: they often come in the order of their keys while updates and
-- deletes do not. Within a layer the segments stand side by side, so the one that ends next decides.
create or replace function audit._free_layer(segment audit.segment)
    returns smallint
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    layers constant smallint := 8;
    lowest smallint := case segment.op when 'I' then 0 else layers end;
    neighbour text collate "C";
begin
    if segment.key_lo is null or segment.key_hashes is null then
        return null;
    end if;
    for layer in lowest .. lowest + layers - 1 loop
        select s.key_lo
        into neighbour
        from audit.segment s
        where s.month = segment.month
            and s.table_id = segment.table_id
            and s.layer = layer
            and s.key_hi >= segment.key_lo
        order by s.key_hi
        limit 1;
        if not found or neighbour > segment.key_hi then
            return layer;
        end if;
    end loop;
    return null;
end;
$$;

comment on function audit._free_layer(audit.segment) is 'The first layer in which no segment of the same table and month overlaps the keys of a new one.';
revoke all on function audit._free_layer(audit.segment) from public;
