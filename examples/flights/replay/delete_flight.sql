-- Deletes the youngest of the rows that $1 names by their natural key.
delete from public.flights as flight
using (
    select max(copy.id) as id
    from jsonb_to_record($1) as wanted (carrier text, flight integer, origin text, time_hour timestamptz)
    join public.flights as copy using (carrier, flight, origin, time_hour)
) as youngest
where flight.id = youngest.id
returning flight.id::text as key, pg_current_xact_id()::text as xid;
