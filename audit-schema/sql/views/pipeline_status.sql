-- How the pipeline itself is doing: one row. Sizes and the newest segment are looked up, nothing is scanned but the
-- head, which the tick keeps short.
create or replace view audit.pipeline_status as
select
    -- A replay tells the tick the time of what it replays; else the time is now, also when the tick has stopped.
    case
        when abs(extract(epoch from progress.ticked_at - progress.clock)) > 3600 then progress.clock
        else now()
    end as as_of,
    progress.ticked_at,
    progress.clock,
    (
        select count(*)
        from audit.change
    ) as waiting,
    (
        select coalesce(sum(change.rows), 0)::bigint
        from audit.change as change
    ) as waiting_rows,
    (
        select min(change.at)
        from audit.change as change
    ) as oldest_waiting_at,
    (
        select greatest(coalesce(max(segment.segment_id), 0), (select max(dropped.to_segment) from audit.dropped_segment as dropped))
        from audit.segment as segment
    ) as segments,
    (
        select coalesce(sum(pg_catalog.pg_total_relation_size(part.relid)), 0)::bigint
        from pg_catalog.pg_partition_tree('audit.segment'::regclass) as part
        where part.isleaf
    ) + pg_catalog.pg_total_relation_size('audit.change'::regclass) as log_bytes,
    progress.delivered + (
        select count(*)
        from audit.outbox as outbox
        where outbox.state = 'delivered'
    ) as delivered,
    (
        select count(*)
        from audit.outbox as outbox
        where outbox.state in ('ready', 'sending')
            -- What is collected for a digest is not on its way yet.
            and not (outbox.kind = 'digest' and outbox.state = 'ready' and outbox.due_at > clock_timestamp())
    ) as undelivered,
    (
        select count(*)
        from audit.outbox as outbox
        where outbox.state = 'dead'
    ) as dead,
    (
        select count(*)
        from audit.channel as channel
        where channel.paused_at is not null
            and channel.retired_at is null
    ) as paused_channels,
    -- The tick lets a short head grow for a minute, so only what has waited longer is late. A replay that has ended has
    -- no tick any more, and nothing is late because of that: its last tick is the moment to compare with.
    (
        select greatest(
            coalesce(
                extract(
                    epoch from case
                        when abs(extract(epoch from progress.ticked_at - progress.clock)) > 3600 then progress.ticked_at
                        else clock_timestamp()
                    end - min(change.at)
                ),
                0
            ) - 60,
            0
        )::float8
        from audit.change as change
    ) as seconds_behind,
    (
        select min(greatest(watched.watched_at, watched.kept_from))
        from audit.watched_table as watched
        where watched.unwatched_at is null
    ) as log_from
from audit.progress as progress;

comment on view audit.pipeline_status is 'How the pipeline itself is doing: what waits for the tick, the size of the log, what was delivered. One row.';
comment on column audit.pipeline_status.as_of is 'The time that figures are of: now, or in a replay the time of what is replayed.';
comment on column audit.pipeline_status.ticked_at is 'When the last tick ran, by the clock of the server.';
comment on column audit.pipeline_status.clock is 'The time the last tick was run for.';
comment on column audit.pipeline_status.waiting is 'Log rows that the tick has not packed yet.';
comment on column audit.pipeline_status.waiting_rows is 'The changed rows in them: what readers of summaries and counters add to what is folded.';
comment on column audit.pipeline_status.oldest_waiting_at is 'When the oldest of them was logged; null when none waits.';
comment on column audit.pipeline_status.segments is 'Segments sealed so far.';
comment on column audit.pipeline_status.log_bytes is 'Size of head and segments on disk, indexes included.';
comment on column audit.pipeline_status.seconds_behind is 'By how many seconds the tick is late: how much longer than the minute that a short head is left to grow the oldest log row has waited; 0 when it keeps up.';
comment on column audit.pipeline_status.delivered is 'Messages that were accepted by their provider.';
comment on column audit.pipeline_status.undelivered is 'Messages on their way.';
comment on column audit.pipeline_status.dead is 'Messages that were given up.';
comment on column audit.pipeline_status.paused_channels is 'Channels in force that are paused because their credentials were refused.';
comment on column audit.pipeline_status.log_from is 'Since when the log reaches: the watch of the table that was watched first began, or what retention kept begins. Null if no table is watched.';
