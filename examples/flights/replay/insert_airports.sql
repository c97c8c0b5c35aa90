-- Loads the airports: $1 is a json array of rows.
insert into public.airports (
    faa, name, lat, lon, alt, tz, dst, tzone
)
select
    faa, name, lat, lon, alt, tz, dst, tzone
from json_populate_recordset(null::public.airports, $1);
