-- Corrects one flight: $1 names it by its natural key, $2 holds the columns to change.
update public.flights as flight
set
    dep_time = changed.dep_time,
    arr_time = changed.arr_time,
    tailnum = changed.tailnum,
    dest = changed.dest,
    air_time = changed.air_time,
    distance = changed.distance
from jsonb_to_record($1) as wanted (carrier text, flight integer, origin text, time_hour timestamptz)
join public.flights as original using (carrier, flight, origin, time_hour)
cross join jsonb_populate_record(original, $2) as changed
where flight.id = original.id
returning flight.id::text as key, pg_current_xact_id()::text as xid;
