-- The summaries that start from a scan at this moment, in transactions that are not over: each of them says in its
-- application_name how far it came.
create or replace view audit.summary_progress as
select
    pg_catalog.substring(activity.application_name, '^audit: (.+) [0-9]+%$') as summary,
    pg_catalog.substring(activity.application_name, '([0-9]+)%$')::integer as percent,
    activity.pid
from pg_catalog.pg_stat_activity as activity
where activity.datname = pg_catalog.current_database()
    and activity.application_name ~ '^audit: .+ [0-9]+%$';

comment on view audit.summary_progress is 'The summaries that start from a scan at this moment. One row per scan.';
comment on column audit.summary_progress.summary is 'The name of the summary.';
comment on column audit.summary_progress.percent is 'How much of its table has been read.';
comment on column audit.summary_progress.pid is 'The process of the server that reads.';
