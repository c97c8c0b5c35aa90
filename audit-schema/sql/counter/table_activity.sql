-- Changes per table, hour, kind and actor: folded base plus the head.
create or replace view audit.table_activity as
    select a.table_id, a.hour, a.op, a.actor, sum(a.changes)::bigint as changes, sum(a.rows)::bigint as rows
    from (
        select b.table_id, b.hour, b.op, b.actor, b.changes, b.rows from audit.table_activity_base b
        union all
        select
            c.table_id,
            date_trunc('hour', coalesce(c.occurred_at, c.at), 'UTC'),
            c.op,
            coalesce(c.actor, c.application, c.session_role),
            count(*),
            sum(c.rows)
        from audit.change c
        group by 1, 2, 3, 4
    ) a
    group by 1, 2, 3, 4;

comment on view audit.table_activity is 'Changes per table, hour, kind and actor, exact in the snapshot of the reader.';
comment on column audit.table_activity.table_id is 'The watched table.';
comment on column audit.table_activity.hour is 'Start of the hour in which the changes occurred.';
comment on column audit.table_activity.op is 'I insert, U update, D delete, T truncate.';
comment on column audit.table_activity.actor is 'Who wrote: the actor if one was named, else the application, else the role.';
comment on column audit.table_activity.changes is 'Log rows.';
comment on column audit.table_activity.rows is 'Rows written.';
