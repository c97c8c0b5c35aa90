-- Rows in quarantine as people look at them, whatever became of them: why they wait, since when, and who has to see to it.
create or replace view audit.quarantined_row as
select
    aside.quarantine_id,
    aside.table_id,
    watched.name as table_name,
    aside.mode,
    aside.op,
    aside.key,
    aside.state,
    coalesce(aside.occurred_at, aside.at) as since,
    -- In a replay the clock of the pipeline is the one that counts.
    case
        when aside.occurred_at is null then clock_timestamp() - aside.at
        else (select coalesce(progress.clock, clock_timestamp()) from audit.progress as progress) - aside.occurred_at
    end as age,
    coalesce(aside.occurred_at, aside.at) + failed.fix_within as fix_by,
    failed.rules,
    failed.severity,
    failed.owner,
    failed.columns,
    coalesce(aside.actor, aside.application, aside.session_role) as writer,
    aside.request_id,
    aside.row,
    aside.restored,
    done.edits,
    done.refusals,
    aside.lsn
from audit.quarantine as aside
join audit.watched_table as watched
    on watched.table_id = aside.table_id
cross join lateral (
    select
        coalesce(array_agg(distinct rule.name), '{}') as rules,
        coalesce(
            (array['critical', 'important', 'normal', 'low'])[
                min(array_position(array['critical', 'important', 'normal', 'low'], rule.severity))
            ],
            'normal'
        ) as severity,
        coalesce(string_agg(distinct coalesce(nullif(rule.owner, ''), nullif(watched.owner, '')), ', '), '') as owner,
        coalesce(array_agg(distinct rule_column.name) filter (where rule_column.name is not null), '{}') as columns,
        min(rule.fix_within) as fix_within
    from audit.rule as rule
    left join lateral unnest(rule.columns) as rule_column (name) on true
    where rule.rule_id = any (aside.rules)
) as failed
cross join lateral (
    select
        count(*) filter (where event.kind = 'edited') as edits,
        count(*) filter (where event.kind = 'refused') as refusals
    from audit.quarantine_event as event
    where event.quarantine_id = aside.quarantine_id
) as done;

comment on view audit.quarantined_row is 'Rows in quarantine as people look at them: why they wait, since when, and who has to see to it.';
comment on column audit.quarantined_row.quarantine_id is 'Identifies the row in quarantine.';
comment on column audit.quarantined_row.table_id is 'The watched table. References audit.watched_table.';
comment on column audit.quarantined_row.table_name is 'Schema and name of the table.';
comment on column audit.quarantined_row.mode is 'set_aside: the row is not in its table; hide: it is, and the view of visible rows leaves it out.';
comment on column audit.quarantined_row.op is 'I an insert was set aside or hidden, U an update.';
comment on column audit.quarantined_row.key is 'Primary key of the row, as text.';
comment on column audit.quarantined_row.state is 'held, released or discarded.';
comment on column audit.quarantined_row.since is 'When it was set aside or hidden, in the time of the writer.';
comment on column audit.quarantined_row.age is 'How long ago that was.';
comment on column audit.quarantined_row.fix_by is 'When somebody must have seen to it, by the strictest of its rules; null when nobody must.';
comment on column audit.quarantined_row.rules is 'The quarantine rules that it fails, by name.';
comment on column audit.quarantined_row.severity is 'The worst severity among them.';
comment on column audit.quarantined_row.owner is 'Who answers for these rules, or else for the table.';
comment on column audit.quarantined_row.columns is 'The columns that these rules read.';
comment on column audit.quarantined_row.writer is 'Who wrote it: the person named, else the application, else the role.';
comment on column audit.quarantined_row.request_id is 'The request that led to the write, if the application said so.';
comment on column audit.quarantined_row.row is 'The row as it was written, or as it was edited since.';
comment on column audit.quarantined_row.restored is 'The version in the table: the last good one for an update, the hidden one for a hidden row that was edited; else null.';
comment on column audit.quarantined_row.edits is 'How often it was edited.';
comment on column audit.quarantined_row.refusals is 'How often a release was refused.';
comment on column audit.quarantined_row.lsn is 'Position in the write-ahead log: the order in which rows were set aside.';
