-- Looks at a summary through the eyes of one policy: the groups for which its condition holds, and those that have an
-- open episode. Of a bucketed summary only the bucket that holds the clock is looked at: the past does not fire.
create or replace function audit._observe_summary(policy audit.alert_policy, clock timestamptz)
    returns setof jsonb
    language plpgsql
    stable
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    summary audit.summary;
    bucket jsonb;
    bucket_width interval;
    bucket_zone text;
    owner text;
begin
    select declared.* into summary
    from audit.summary as declared
    where declared.name = policy.definition ->> 'on' and declared.retired_at is null;
    if not found then
        raise exception 'there is no summary `%`', policy.definition ->> 'on'
            using errcode = 'AU002', constraint = 'alert_policy_names_a_summary';
    end if;

    select watched.owner into owner
    from audit.watched_table as watched
    where watched.table_id = summary.table_id;

    bucket := nullif(summary.definition -> 'bucket', 'null');
    bucket_width := (bucket ->> 'width')::interval;
    bucket_zone := coalesce(bucket ->> 'time_zone', 'UTC');

    return query execute format(
        $query$
            select jsonb_build_object(
                'fingerprint', audit_seen.fingerprint,
                'table_id', $2,
                'group', audit_seen.group_values,
                'owner', $3,
                'time_zone', $4,
                'holds', audit_seen.holds,
                'lingers', audit_seen.lingers,
                'observed', audit_seen.observed
            )
            from (
                select
                    audit_group.holds,
                    audit_group.lingers,
                    audit_group.group_values,
                    audit_group.observed,
                    audit._fingerprint($1, audit_group.group_values) as fingerprint
                from (
                    select
                        coalesce((%1$s), false) as holds,
                        %6$s as lingers,
                        jsonb_build_object(%2$s) as group_values,
                        to_jsonb(audit_row.*) %3$s as observed
                    from audit_compiled.%4$I as audit_row
                    where %5$s
                ) as audit_group
            ) as audit_seen
            where audit_seen.holds
                or exists (
                    select from audit.alert as episode
                    where episode.fingerprint = audit_seen.fingerprint and episode.state <> 'resolved'
                )
        $query$,
        policy.definition ->> 'when',
        (
            select coalesce(string_agg(format('%L, audit_row.%I', item ->> 'name', item ->> 'name'), ', ' order by position), '')
            from jsonb_array_elements(coalesce(nullif(summary.definition -> 'group_by', 'null'), '[]'))
                with ordinality as grouped (item, position)
        ),
        -- A bucket is told as people write it: a day as a date, anything shorter with its time.
        case when bucket is not null then format(
            $label$ || jsonb_build_object('bucket', to_char(audit_row.bucket at time zone $4, %L))$label$,
            case when bucket_width >= interval '1 day' then 'YYYY-MM-DD' else 'YYYY-MM-DD HH24:MI' end
        ) end,
        summary.name,
        case when bucket is not null then
            'audit_row.bucket <= $5 and $5 < (audit_row.bucket at time zone $4 + $6) at time zone $4'
        else 'true' end,
        audit._lingers(policy.definition)
    )
    using policy.name, summary.table_id, owner, case when bucket is not null then bucket_zone end, clock, bucket_width;
end;
$$;

comment on function audit._observe_summary(audit.alert_policy, timestamptz) is 'Looks at a summary through the eyes of one alert policy.';
revoke all on function audit._observe_summary(audit.alert_policy, timestamptz) from public;
