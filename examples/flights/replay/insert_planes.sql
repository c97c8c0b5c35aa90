-- Loads the aircraft: $1 is a json array of rows.
insert into public.planes (
    tailnum, year, type, manufacturer, model, engines, seats, speed, engine
)
select
    tailnum, year, type, manufacturer, model, engines, seats, speed, engine
from json_populate_recordset(null::public.planes, $1);
