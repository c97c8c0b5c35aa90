-- What was written when, and by whom, with names instead of numbers.
create or replace view audit.change_by_hour as
select
    activity.hour,
    activity.table_id,
    watched.name as table_name,
    activity.op,
    activity.actor,
    activity.changes,
    activity.rows,
    watched.owner as table_owner
from audit.table_activity as activity
join audit.watched_table as watched
    on watched.table_id = activity.table_id;

comment on view audit.change_by_hour is 'What was written when and by whom, by table and hour. Tables that are no longer watched are in it.';
comment on column audit.change_by_hour.hour is 'Start of the hour in which the rows were written, in the time of the writer.';
comment on column audit.change_by_hour.table_id is 'The watched table. References audit.watched_table.';
comment on column audit.change_by_hour.table_name is 'Schema and name of the table.';
comment on column audit.change_by_hour.op is 'I insert, U update, D delete, T truncate.';
comment on column audit.change_by_hour.actor is 'Who wrote: the actor if one was named, else the application, else the role.';
comment on column audit.change_by_hour.changes is 'Log rows.';
comment on column audit.change_by_hour.rows is 'Rows written.';
comment on column audit.change_by_hour.table_owner is 'Who answers for the data of the table.';
