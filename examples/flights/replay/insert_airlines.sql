-- Loads the carriers: $1 is a json array of rows.
insert into public.airlines (
    carrier, name
)
select
    carrier, name
from json_populate_recordset(null::public.airlines, $1);
