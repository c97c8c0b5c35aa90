select audit.declare_summary('public.{table}', 'by_origin', '{
    "group_by": [{"name": "origin", "expression": "origin"}],
    "measures": [{"name": "flights", "function": "count"}]}');
select audit.declare_summary('public.{table}', 'by_carrier', '{
    "group_by": [{"name": "carrier", "expression": "carrier"}],
    "measures": [{"name": "flights", "function": "count"}, {"name": "miles", "function": "sum", "expression": "distance"}]}');
select audit.declare_summary('public.{table}', 'by_dest', '{
    "group_by": [{"name": "dest", "expression": "dest"}],
    "measures": [{"name": "flights", "function": "count"}, {"name": "mean_delay", "function": "avg", "expression": "dep_delay"}]}');
select audit.declare_summary('public.{table}', 'by_hour', '{
    "group_by": [{"name": "hour", "expression": "hour"}],
    "measures": [{"name": "flights", "function": "count"}, {"name": "late", "function": "count_if", "expression": "dep_delay >= 15"}]}');
select audit.declare_summary('public.{table}', 'by_day', '{
    "bucket": {"column": "time_hour", "width": "1 day", "time_zone": "America/New_York"},
    "group_by": [{"name": "origin", "expression": "origin"}],
    "measures": [{"name": "flights", "function": "count"}, {"name": "longest", "function": "max", "expression": "air_time"}]}');
select audit.compile('public.{table}');
