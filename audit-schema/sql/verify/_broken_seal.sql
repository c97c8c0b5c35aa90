-- The first segment whose digest or link is not what it was when it was sealed, or that is missing; null when the chain is
-- whole. Over what retention dropped, the records of that carry the chain on; they are chained themselves.
create or replace function audit._broken_seal()
    returns bigint
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select min(s.from_segment)
    from (
        select
            l.from_segment,
            l.whole
                and l.previous = lag(l.digest, 1, '') over w
                and l.from_segment = lag(l.to_segment, 1, 0::bigint) over w + 1 as whole
        from (
            select g.segment_id as from_segment, g.segment_id as to_segment, g.previous, g.digest, g.digest = audit._digest(g) as whole
            from audit.segment g
            union all
            select
                d.from_segment, d.to_segment, d.previous, d.digest,
                d.seal = audit._drop_seal(lag(d.seal, 1, '') over n, d) and d.number = lag(d.number, 1, 0::bigint) over n + 1 and d.at_hi <= d.dropped_at
            from audit.dropped_segment d
            window n as (order by d.number)
        ) l
        window w as (order by l.from_segment)
    ) s
    where s.whole is not true;
$$;

comment on function audit._broken_seal() is 'The first segment whose digest or link is not what it was when it was sealed, or that is missing.';
revoke all on function audit._broken_seal() from public;
