-- The seal of a run of dropped segments: sha256 over the seal of the run that was dropped before and everything that is known
-- about this one.
create or replace function audit._drop_seal(before bytea, run audit.dropped_segment)
    returns bytea
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
    set timezone = utc
    set datestyle = iso, ymd
as $$
    select sha256(
        before
        || convert_to(
            concat_ws(
                E'\n',
                run.number, run.from_segment, run.to_segment, run.table_ids::text, run.rows, run.at_lo, run.at_hi, run.dropped_at
            ),
            'UTF8'
        )
        || run.previous || run.digest
    );
$$;

comment on function audit._drop_seal(bytea, audit.dropped_segment) is 'The seal of a run of dropped segments.';
revoke all on function audit._drop_seal(bytea, audit.dropped_segment) from public;
