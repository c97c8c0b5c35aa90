-- Adds the partition for a month to the segments, if it is not there yet.
create or replace function audit._add_partition(month date)
    returns void
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    partition text := format('segment_%s', to_char(month, 'YYYY_MM'));
begin
    if to_regclass(format('audit.%I', partition)) is null then
        execute format(
            'create table audit.%I partition of audit.segment for values from (%L) to (%L)',
            partition, month, month + interval '1 month'
        );
        execute format('comment on table audit.%I is %L', partition, format('Segments sealed in %s.', to_char(month, 'YYYY-MM')));
        perform audit._protect(format('audit.%I', partition)::regclass);
    end if;
end;
$$;

comment on function audit._add_partition(date) is 'Adds the partition for a month to the segments.';
revoke all on function audit._add_partition(date) from public;
