-- Writes a copy of one flight, changed: $1 names the flight by its natural key, $2 holds what is different in the copy.
insert into public.flights (
    year, month, day, dep_time, sched_dep_time, dep_delay, arr_time, sched_arr_time, arr_delay,
    carrier, flight, tailnum, origin, dest, air_time, distance, hour, minute, time_hour
)
select
    changed.year, changed.month, changed.day, changed.dep_time, changed.sched_dep_time,
    changed.dep_delay, changed.arr_time, changed.sched_arr_time, changed.arr_delay, changed.carrier,
    changed.flight, changed.tailnum, changed.origin, changed.dest, changed.air_time, changed.distance,
    changed.hour, changed.minute, changed.time_hour
from jsonb_to_record($1) as wanted (carrier text, flight integer, origin text, time_hour timestamptz)
join public.flights as original using (carrier, flight, origin, time_hour)
cross join jsonb_populate_record(original, $2) as changed
order by original.id
limit 1
returning id::text as key, pg_current_xact_id()::text as xid;
