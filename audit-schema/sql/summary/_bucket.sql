-- The expression over the columns of a row that gives the start of its time bucket, as timestamptz. A local time is taken as
-- one of the bucket's time zone.
create or replace function audit._bucket(target regclass, bucket jsonb)
    returns text
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    type text;
begin
    select c.type into type from audit._log_column(target, 'whole') c where c.name = bucket ->> 'column';
    return audit._bucket_start(bucket, format(
        case
            when type like '%without time zone' then '(%1$I at time zone %2$L)'
            when type = 'date' then '(%1$I::timestamp at time zone %2$L)'
            else '%1$I'
        end,
        bucket ->> 'column',
        coalesce(bucket ->> 'time_zone', 'UTC')
    ));
end;
$$;

comment on function audit._bucket(regclass, jsonb) is 'The expression that gives the start of the time bucket of a row.';
revoke all on function audit._bucket(regclass, jsonb) from public;
