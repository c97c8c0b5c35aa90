//! How the pipeline itself is doing.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Double, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension, PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;

use crate::Result;

/// How the pipeline itself is doing.
#[derive(Debug, Clone, PartialEq, Serialize, QueryableByName)]
pub struct PipelineStatus {
    /// The database.
    #[diesel(sql_type = Text)]
    pub database: String,
    /// The time that figures are of: now, or in a replay the time of what is replayed.
    #[diesel(sql_type = Timestamptz)]
    pub as_of: DateTime<Utc>,
    /// Now, by the clock of the server.
    #[diesel(sql_type = Timestamptz)]
    pub now: DateTime<Utc>,
    /// When the last tick ran, by the clock of the server.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub ticked_at: Option<DateTime<Utc>>,
    /// Log rows that the tick has not packed yet.
    #[diesel(sql_type = BigInt)]
    pub waiting: i64,
    /// When the oldest of them was logged.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub oldest_waiting_at: Option<DateTime<Utc>>,
    /// By how many seconds the tick is late: how much longer than the minute that a short head is left to grow the
    /// oldest of them has waited.
    #[diesel(sql_type = Double)]
    pub seconds_behind: f64,
    /// Segments sealed so far.
    #[diesel(sql_type = BigInt)]
    pub segments: i64,
    /// Size of the log on disk, in bytes.
    #[diesel(sql_type = BigInt)]
    pub log_bytes: i64,
    /// Messages that were accepted by their provider.
    #[diesel(sql_type = BigInt)]
    pub delivered: i64,
    /// Messages on their way.
    #[diesel(sql_type = BigInt)]
    pub undelivered: i64,
    /// Messages that were given up.
    #[diesel(sql_type = BigInt)]
    pub dead: i64,
    /// Channels that are paused because their credentials were refused.
    #[diesel(sql_type = BigInt)]
    pub paused_channels: i64,
}

/// How the pipeline itself is doing.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn pipeline(connection: &mut PgConnection) -> Result<PipelineStatus> {
    Ok(diesel::sql_query(
        "select
            current_database()::text as database,
            status.as_of,
            now() as now,
            status.ticked_at,
            status.waiting,
            status.oldest_waiting_at,
            status.seconds_behind,
            status.segments,
            status.log_bytes,
            status.delivered,
            status.undelivered,
            status.dead,
            status.paused_channels
        from audit.pipeline_status as status",
    )
    .get_result(connection)?)
}

/// The time zone that most bucketed summaries are declared in; `None` when no summary has one.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn time_zone(connection: &mut PgConnection) -> Result<Option<String>> {
    #[derive(QueryableByName)]
    struct Zone {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let zone: Option<Zone> = diesel::sql_query(
        "select summary.definition -> 'bucket' ->> 'time_zone' as name
        from audit.summary as summary
        where summary.retired_at is null
            and summary.definition -> 'bucket' ->> 'time_zone' is not null
        group by 1
        order by count(*) desc, 1
        limit 1",
    )
    .get_result(connection)
    .optional()?;
    Ok(zone.map(|zone| zone.name))
}
