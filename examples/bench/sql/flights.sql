-- The departures of examples/flights: twenty columns, and no index but the primary key, because every further index makes
-- the unwatched table slower and so what a trigger adds look smaller.
create table flights (
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
