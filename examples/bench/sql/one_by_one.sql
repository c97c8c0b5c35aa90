do $$
declare
    count constant bigint := {last} - {first} + 1;
    source flights_source;
begin
    for source in select s.* from flights_source s limit count loop
        insert into flights (
            year, month, day, dep_time, sched_dep_time, dep_delay, arr_time, sched_arr_time, arr_delay,
            carrier, flight, tailnum, origin, dest, air_time, distance, hour, minute, time_hour
        )
        values (
            source.year, source.month, source.day, source.dep_time, source.sched_dep_time, source.dep_delay, source.arr_time,
            source.sched_arr_time, source.arr_delay, source.carrier, source.flight, source.tailnum, source.origin,
            source.dest, source.air_time, source.distance, source.hour, source.minute, source.time_hour
        );
        commit;
    end loop;
    -- The step and the number of rows have no common factor, so every row has its turn.
    for position in 0 .. count - 1 loop
        update flights set dep_delay = dep_delay + 1, arr_delay = arr_delay + 1 where id = {first} + position * 7919 % count;
        commit;
    end loop;
end;
$$
