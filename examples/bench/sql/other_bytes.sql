select coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
from pg_class c
where c.relkind in ('r', 'm')
    and c.relpersistence <> 't'
    and c.relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
    and not (c.relnamespace = 'public'::regnamespace and c.relname in ('flights', 'flights_source', 'narrow', 'narrow_source'))
