-- How long to wait after an attempt that failed: 30 seconds, tripled each time up to 6 hours, of which a random half is
-- left out so that not all come back at once. Ten attempts take most of a day.
create or replace function audit._backoff(attempt integer, jitter double precision)
    returns interval
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select least(interval '6 hours', interval '30 seconds' * 3 ^ least(attempt - 1, 10)) * (0.5 + jitter / 2);
$$;

comment on function audit._backoff(integer, double precision) is 'How long to wait after an attempt that failed.';
revoke all on function audit._backoff(integer, double precision) from public;
