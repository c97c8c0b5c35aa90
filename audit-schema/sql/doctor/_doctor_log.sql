-- What is wrong with the log and with what packs it. Only the newest segment is proven; audit.verify() proves all.
create or replace function audit._doctor_log(late interval, head_bytes bigint)
    returns table (severity text, remark text, object text, what text, todo text)
    language sql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    with newest as materialized (
        select s as segment, s.segment_id, s.digest, s.previous from audit.segment s order by s.segment_id desc limit 2
    ), head as materialized (
        select pg_table_size('audit.change') as bytes, min(c.at) as oldest, count(*) as rows from audit.change c
    ), kept as (
        select c.oid, c.oid::regclass::text as name
        from pg_class c
        where c.relnamespace = 'audit'::regnamespace
            and (c.relname in ('change', 'finding', 'dropped_segment') or c.oid in (select p.relid from pg_partition_tree('audit.segment') p))
    )
    select 'important', 'tick_late', 'audit.tick',
        coalesce(format('the last tick ran at %s', p.ticked_at), 'no tick has ever run') || ': nothing is packed, no time-driven rule is asked, no alert is raised',
        'run `audit-notify --follow` as a service, or audit.tick() each minute'
    from audit.progress p
    where coalesce(p.ticked_at, (select min(w.watched_at) from audit.watched_table w where w.unwatched_at is null)) < clock_timestamp() - late
    union all
    select 'critical', 'transaction_ids_ran_backward', 'audit.tick',
        format('the log is folded up to transaction %s, and the next one is %s: the database was restored into another cluster', p.folded_below, pg_snapshot_xmax(pg_current_snapshot())),
        'install the pipeline there anew'
    from audit.progress p
    where p.folded_below > pg_snapshot_xmax(pg_current_snapshot())
    union all
    select 'important', 'head_long', 'audit.change',
        format('the head of the log has %s in %s log rows, the oldest from %s', pg_size_pretty(h.bytes), h.rows, h.oldest),
        'let audit-notify tick more often; see also what holds the horizon back'
    from head h
    where h.bytes > head_bytes and h.oldest < clock_timestamp() - late
    union all
    select 'normal', 'head_bloated', 'audit.change',
        format('the head of the log takes %s for %s log rows', pg_size_pretty(h.bytes), h.rows),
        'vacuum full audit.change when nobody writes, and see what keeps autovacuum from it'
    from head h
    where h.bytes > head_bytes and h.bytes > 65536 * greatest(h.rows, 1)
    union all
    select 'normal', 'autovacuum_off', 'audit.change',
        'autovacuum does not clean the head of the log, which grows without end',
        case current_setting('autovacuum') when 'off' then 'set autovacuum = on in postgresql.conf' else 'alter table audit.change reset (autovacuum_enabled)' end
    from pg_class c
    where c.oid = 'audit.change'::regclass
        and (current_setting('autovacuum') = 'off' or exists (
            select from pg_options_to_table(c.reloptions) o where o.option_name = 'autovacuum_enabled' and not o.option_value::boolean
        ))
    union all
    select 'low', 'lz4_missing', 'audit.change', 'the log is not compressed with lz4, which is faster than the default',
        'use a server that is built with lz4, and alter its json columns set compression lz4'
    where exists (
        select from pg_attribute a where a.attrelid = 'audit.change'::regclass and a.attname in ('old', 'new') and a.attcompression <> 'l'
    )
    union all
    select 'critical', 'seal_broken', format('segment %s', n.segment_id),
        'the newest segment is not what was sealed, or its link to the one before is broken',
        'run audit verify, and compare with a backup'
    from newest n
    where n.segment_id = (select max(m.segment_id) from newest m)
        and (n.digest <> audit._digest(n.segment) or n.previous <> (select b.digest from newest b where b.segment_id = n.segment_id - 1))
    union all
    select 'critical', 'log_unprotected', k.name, 'its rows can be changed: the trigger that refuses it is missing or disabled',
        'run audit migrate, or enable the trigger audit_append_only'
    from kept k
    where not exists (select from pg_trigger g where g.tgrelid = k.oid and g.tgname = 'audit_append_only' and g.tgenabled in ('O', 'A'));
$$;

comment on function audit._doctor_log(interval, bigint) is 'What is wrong with the log and with what packs it.';
revoke all on function audit._doctor_log(interval, bigint) from public;
