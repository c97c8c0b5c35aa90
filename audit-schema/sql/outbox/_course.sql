-- The course of what an alert about a summary looks at: the first measure that its condition names, over the last 24 buckets of
-- its group until a time; null where there are no buckets. A message is not held up by a summary that can not be read now.
create or replace function audit._course(summary audit.summary, condition text, group_values jsonb, until timestamptz)
    returns jsonb
    language plpgsql
    stable
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    bucket jsonb := nullif(summary.definition -> 'bucket', 'null');
    zone text := coalesce(bucket ->> 'time_zone', 'UTC');
    measure text;
    latest timestamptz;
    course jsonb;
begin
    if bucket is null then
        return null;
    end if;

    select item ->> 'name' into measure
    from jsonb_array_elements(summary.definition -> 'measures') with ordinality as declared (item, place)
    order by nullif(strpos(condition, item ->> 'name'), 0) nulls last, place
    limit 1;

    execute format('select %s', audit._bucket_start(bucket, '$1')) into latest using until;
    execute format(
        $query$
            select jsonb_agg(coalesce(audit_row.%1$I::double precision, 0) order by audit_bucket.start)
            from generate_series($1 at time zone $2 - 23 * $3, $1 at time zone $2, $3) as audit_bucket (start)
            left join audit_compiled.%2$I as audit_row
                on audit_row.bucket = audit_bucket.start at time zone $2
                and jsonb_build_object(%3$s) = $4
        $query$,
        measure,
        summary.name,
        (
            select coalesce(string_agg(format('%L, audit_row.%I', item ->> 'name', item ->> 'name'), ', ' order by place), '')
            from jsonb_array_elements(coalesce(nullif(summary.definition -> 'group_by', 'null'), '[]'))
                with ordinality as grouped (item, place)
        )
    )
    into course
    using latest, zone, (bucket ->> 'width')::interval, group_values;
    return jsonb_build_object('measure', measure, 'width', bucket ->> 'width', 'values', course);
exception
    when others then
        return null;
end;
$$;

comment on function audit._course(audit.summary, text, jsonb, timestamptz) is 'The course of what an alert about a summary looks at, over the last 24 buckets.';
revoke all on function audit._course(audit.summary, text, jsonb, timestamptz) from public;
