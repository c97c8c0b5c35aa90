-- How many rows of each table wait in quarantine, and since when.
create or replace view audit.quarantine_status as
select
    watched.table_id,
    watched.name as table_name,
    count(*) filter (where aside.state = 'held') as held,
    count(*) filter (where aside.state = 'released') + coalesce(max(base.released), 0) as released,
    count(*) filter (where aside.state = 'discarded') + coalesce(max(base.discarded), 0) as discarded,
    min(coalesce(aside.occurred_at, aside.at)) filter (where aside.state = 'held') as oldest_held_at
from audit.watched_table as watched
left join audit.quarantine as aside
    on aside.table_id = watched.table_id
left join audit.table_counter_base as base
    on base.table_id = watched.table_id
group by
    watched.table_id,
    watched.name
having count(aside.quarantine_id) + coalesce(max(base.released + base.discarded), 0) > 0;

comment on view audit.quarantine_status is 'Rows set aside, by table: how many are held, since when, how many were released or discarded.';
comment on column audit.quarantine_status.table_id is 'The watched table. References audit.watched_table.';
comment on column audit.quarantine_status.table_name is 'Schema and name of the table.';
comment on column audit.quarantine_status.held is 'Rows that wait.';
comment on column audit.quarantine_status.released is 'Rows that were put back.';
comment on column audit.quarantine_status.discarded is 'Rows that were thrown away.';
comment on column audit.quarantine_status.oldest_held_at is 'When the oldest of those that wait was set aside, in the time of the writer; null when none waits.';
