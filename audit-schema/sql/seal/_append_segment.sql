-- Numbers a segment, chains it to the one before, and stores it.
create or replace function audit._append_segment(segment audit.segment)
    returns void
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    before record;
begin
    select s.segment_id, s.digest
    into before
    from (
        (select s.segment_id, s.digest from audit.segment s order by s.segment_id desc limit 1)
        union all
        -- The newest of all may have been dropped.
        (select d.to_segment, d.digest from audit.dropped_segment d order by d.to_segment desc limit 1)
    ) s
    order by s.segment_id desc
    limit 1;
    segment.segment_id := coalesce(before.segment_id, 0) + 1;
    segment.previous := coalesce(before.digest, '');
    segment.month := date_trunc('month', now());
    segment.layer := audit._free_layer(segment);
    segment.digest := audit._digest(segment);
    insert into audit.segment select segment.*;
end;
$$;

comment on function audit._append_segment(audit.segment) is 'Numbers a segment, chains it to the one before, and stores it.';
revoke all on function audit._append_segment(audit.segment) from public;
