//! What was written, when and by whom.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamp, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;

use super::{Filter, Scope};
use crate::Result;

/// The first and the last hour in which anything was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Activity {
    /// Start of the first hour.
    pub first: DateTime<Utc>,
    /// Start of the last hour.
    pub last: DateTime<Utc>,
}

/// What was written in a step of time. Steps without a change are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, QueryableByName)]
pub struct ChangeStep {
    /// Start of the step, in local time.
    #[diesel(sql_type = Timestamp)]
    pub start: NaiveDateTime,
    /// Rows inserted, updated and deleted.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    /// Rows inserted and updated: every one of them was checked.
    #[diesel(sql_type = BigInt)]
    pub checked: i64,
}

/// Somebody who wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, QueryableByName)]
pub struct Writer {
    /// The actor, else the application, else the role.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Rows inserted, updated and deleted.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    /// How many writers there are in all.
    #[diesel(sql_type = BigInt)]
    pub writers: i64,
}

/// The first and the last hour in which anything was written to some tables, or to any; `None` when nothing ever was.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn activity(connection: &mut PgConnection, filter: &Filter) -> Result<Option<Activity>> {
    #[derive(QueryableByName)]
    struct Ends {
        #[diesel(sql_type = Nullable<Timestamptz>)]
        first: Option<DateTime<Utc>>,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        last: Option<DateTime<Utc>>,
    }
    let ends: Ends = diesel::sql_query(
        "select min(part.first) as first, max(part.last) as last
        from (
            select min(base.hour) as first, max(base.hour) as last
            from audit.table_activity_base as base
            where $1 is null
                or base.table_id = any ($1)
            union all
            select
                date_trunc('hour', min(coalesce(change.occurred_at, change.at)), 'UTC'),
                date_trunc('hour', max(coalesce(change.occurred_at, change.at)), 'UTC')
            from audit.change as change
            where $1 is null
                or change.table_id = any ($1)
        ) as part",
    )
    .bind::<Nullable<Array<Integer>>, _>(&filter.tables)
    .get_result(connection)?;
    Ok(ends
        .first
        .zip(ends.last)
        .map(|(first, last)| Activity { first, last }))
}

/// What was written, by step of time.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn changes(connection: &mut PgConnection, scope: &Scope) -> Result<Vec<ChangeStep>> {
    Ok(scope
        .query(
            "select
            date_trunc($7, change.hour at time zone $6) as start,
            sum(change.rows)::bigint as rows,
            coalesce(sum(change.rows) filter (where change.op in ('I', 'U')), 0)::bigint as checked
        from audit.change_by_hour as change
        where change.hour >= $4
            and change.hour < $5
            and ($1 is null or change.table_id = any ($1))
            and ($2 is null or change.table_owner = any ($2))
            and change.op <> 'T'
        group by start
        order by start",
        )
        .load(connection)?)
}

/// Who wrote most in a window; at most `limit`, each of which also knows how many there are in all.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn writers(connection: &mut PgConnection, scope: &Scope, limit: i64) -> Result<Vec<Writer>> {
    Ok(scope
        .query(
            "select
            change.actor as name,
            sum(change.rows)::bigint as rows,
            count(*) over () as writers
        from audit.change_by_hour as change
        where change.hour >= $4
            and change.hour < $5
            and ($1 is null or change.table_id = any ($1))
            and ($2 is null or change.table_owner = any ($2))
            and change.op <> 'T'
        group by change.actor
        order by rows desc, name
        limit $8",
        )
        .bind::<BigInt, _>(limit)
        .load(connection)?)
}

/// What one of the busiest actors wrote to one of the busiest tables in a step of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, QueryableByName)]
pub struct ActorStep {
    /// Schema and name of the table; `None` for all but the busiest together.
    #[diesel(sql_type = Nullable<Text>)]
    pub table: Option<String>,
    /// The actor, else the application, else the role; `None` for all but the busiest together.
    #[diesel(sql_type = Nullable<Text>)]
    pub actor: Option<String>,
    /// Start of the step, in local time.
    #[diesel(sql_type = Timestamp)]
    pub start: NaiveDateTime,
    /// Rows inserted, updated and deleted.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    /// How many tables there are in all.
    #[diesel(sql_type = BigInt)]
    pub tables: i64,
    /// How many actors there are in all.
    #[diesel(sql_type = BigInt)]
    pub actors: i64,
}

/// What was written, by table, actor and step of time. The busiest tables and actors are named, at most `limit` of
/// each; the others are added up.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn changes_by_actor(
    connection: &mut PgConnection,
    scope: &Scope,
    limit: i64,
) -> Result<Vec<ActorStep>> {
    Ok(scope
        .query(
            "with part as (
                select
                    change.table_name,
                    change.actor,
                    date_trunc($7, change.hour at time zone $6) as start,
                    sum(change.rows) as rows
                from audit.change_by_hour as change
                where change.hour >= $4
                    and change.hour < $5
                    and ($1 is null or change.table_id = any ($1))
                    and ($2 is null or change.table_owner = any ($2))
                    and change.op <> 'T'
                group by 1, 2, 3
            ), busy_table as (
                select
                    part.table_name,
                    row_number() over (order by sum(part.rows) desc, part.table_name) as place,
                    count(*) over () as tables
                from part
                group by part.table_name
            ), busy_actor as (
                select
                    part.actor,
                    row_number() over (order by sum(part.rows) desc, part.actor) as place,
                    count(*) over () as actors
                from part
                group by part.actor
            )
            select
                case when busy_table.place <= $8 then busy_table.table_name end as \"table\",
                case when busy_actor.place <= $8 then busy_actor.actor end as actor,
                part.start,
                sum(part.rows)::bigint as rows,
                max(busy_table.tables) as tables,
                max(busy_actor.actors) as actors
            from part
            join busy_table
                on busy_table.table_name = part.table_name
            join busy_actor
                on busy_actor.actor = part.actor
            group by 1, 2, 3
            order by min(busy_table.place), min(busy_actor.place), 3",
        )
        .bind::<BigInt, _>(limit)
        .load(connection)?)
}
