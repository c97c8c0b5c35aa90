-- The digest of a segment: sha256 over the digest before it and everything the segment holds. Arrays are taken in binary
-- form, because writing them as text would take longer than all the rest.
create or replace function audit._digest(segment audit.segment)
    returns bytea
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
    set timezone = utc
    set datestyle = iso, ymd
as $$
    select sha256(
        segment.previous
        || convert_to(
            concat_ws(
                E'\n',
                segment.segment_id, segment.month, segment.table_id, segment.op, segment.rows, segment.shape,
                segment.lsn_lo, segment.lsn_hi, segment.xid_lo, segment.xid_hi, segment.at_lo, segment.at_hi,
                coalesce(segment.key_lo, ''), coalesce(segment.key_hi, ''), coalesce(segment.layer::text, ''),
                segment.contexts::text, coalesce(segment.old::text, ''), coalesce(segment.new::text, '')
            ),
            'UTF8'
        )
        || coalesce(array_send(segment.key_hashes), '') || array_send(segment.lsns) || array_send(segment.xids)
        || array_send(segment.ats) || coalesce(array_send(segment.occurred_ats), '')
    );
$$;

comment on function audit._digest(audit.segment) is 'The digest of a segment: sha256 over the digest before it and everything the segment holds.';
revoke all on function audit._digest(audit.segment) from public;
