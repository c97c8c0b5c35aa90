-- Rows for the source, out of a json array.
insert into flights_source select r.* from json_populate_recordset(null::flights_source, $1) r;
