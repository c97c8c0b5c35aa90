-- The first segment whose digest or link is not what it was when it was sealed; null when the chain is whole.
create or replace function audit._broken_seal()
    returns bigint
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select min(s.segment_id)
    from (
        select
            s.segment_id,
            s.digest = audit._digest(s.segment)
                and s.previous = lag(s.digest, 1, case when s.segment_id = s.first then s.previous end) over w
                and s.segment_id = lag(s.segment_id, 1, s.segment_id - 1) over w + 1 as whole
        from (select g as segment, g.segment_id, g.digest, g.previous, min(g.segment_id) over () as first from audit.segment g) s
        window w as (order by s.segment_id)
    ) s
    where not s.whole;
$$;

comment on function audit._broken_seal() is 'The first segment whose digest or link is not what it was when it was sealed.';
revoke all on function audit._broken_seal() from public;
