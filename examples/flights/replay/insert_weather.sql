-- Writes the weather of an hour at one airport: $1 is a json array of rows.
insert into public.weather (
    origin, year, month, day, hour, temp, dewp, humid, wind_dir, wind_speed, wind_gust, precip,
    pressure, visib, time_hour
)
select
    origin, year, month, day, hour, temp, dewp, humid, wind_dir, wind_speed, wind_gust, precip,
    pressure, visib, time_hour
from json_populate_recordset(null::public.weather, $1);
