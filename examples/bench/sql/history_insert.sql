insert into journey (id, n, account, amount, at)
select {key}, n, n * 7919 % 5000, n * 31 % 100000 / 100.0, timestamptz '2013-01-01' + n * interval '7 seconds'
from generate_series({first}::bigint, {last}) n
