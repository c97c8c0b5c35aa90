-- Ten rules about single rows, which every row of the data keeps.
select audit.declare_rule('public.{table}', 'carrier_is_given', 'not_null', '{"column": "carrier"}');
select audit.declare_rule('public.{table}', 'flight_is_given', 'not_null', '{"column": "flight"}');
select audit.declare_rule('public.{table}', 'dest_is_given', 'not_null', '{"column": "dest"}');
select audit.declare_rule('public.{table}', 'distance', 'range', '{"column": "distance", "min": 1}', action => 'reject');
select audit.declare_rule('public.{table}', 'origin', 'one_of', '{"column": "origin", "values": ["EWR", "JFK", "LGA"]}', action => 'quarantine');
select audit.declare_rule('public.{table}', 'month', 'range', '{"column": "month", "min": 1, "max": 12}');
select audit.declare_rule('public.{table}', 'air_time', 'range', '{"column": "air_time", "max": 1440}');
select audit.declare_rule('public.{table}', 'dep_delay', 'range', '{"column": "dep_delay", "min": -120}');
select audit.declare_rule('public.{table}', 'carrier', 'length', '{"column": "carrier", "min": 2, "max": 2}');
select audit.declare_rule('public.{table}', 'hour', 'range', '{"column": "hour", "min": 0, "max": 23}');
select audit.compile('public.{table}');
