-- The tables of the demo: departures from the three airports of New York in January and February 2013.
-- Nothing here knows of the pipeline. Column names are those of the data set.

create table public.airlines (
    carrier text primary key,
    name text not null
);

create table public.airports (
    faa text primary key,
    name text not null,
    lat double precision,
    lon double precision,
    alt integer,
    tz integer,
    dst text,
    tzone text
);

create table public.planes (
    tailnum text primary key,
    year integer,
    type text,
    manufacturer text,
    model text,
    engines integer,
    seats integer,
    speed integer,
    engine text
);

create table public.weather (
    origin text,
    year integer not null,
    month integer not null,
    day integer not null,
    hour integer not null,
    temp double precision,
    dewp double precision,
    humid double precision,
    wind_dir integer,
    wind_speed double precision,
    wind_gust double precision,
    precip double precision,
    pressure double precision,
    visib double precision,
    time_hour timestamptz,
    primary key (origin, time_hour)
);

create table public.flights (
    id bigint generated always as identity primary key,
    year integer not null,
    month integer not null,
    day integer not null,
    dep_time integer,
    sched_dep_time integer,
    dep_delay integer,
    arr_time integer,
    sched_arr_time integer,
    arr_delay integer,
    carrier text,
    flight integer,
    tailnum text,
    origin text,
    dest text,
    air_time integer,
    distance integer,
    hour integer,
    minute integer,
    time_hour timestamptz
);

-- The unique rule of the policy looks a flight up by these columns; without an index it would read the whole table.
create index flights_natural_key on public.flights (time_hour, carrier, flight, origin);
create index flights_tailnum on public.flights (tailnum);

-- The service that writes the flights and the weather. It has no right on the pipeline, and needs none.
do $$
begin
    create role flights_feed nologin;
exception when duplicate_object or unique_violation then
    null;
end;
$$;
grant select, insert, update, delete on public.flights, public.weather to flights_feed;
grant select on public.airlines, public.airports, public.planes to flights_feed;
