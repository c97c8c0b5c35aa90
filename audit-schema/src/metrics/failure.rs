//! What failed, and when.

use audit_core::Severity;
use chrono::NaiveDateTime;
use diesel::sql_types::{BigInt, Integer, Text, Timestamp};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;

use super::{Scope, severity};
use crate::Result;

/// What failed in a step of time. Steps and severities without a failure are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailureStep {
    /// Start of the step, in local time.
    pub start: NaiveDateTime,
    /// How bad the failures are.
    pub severity: Severity,
    /// Written rows that failed; a row counts once for every rule that it failed.
    pub failed: i64,
}

/// What failed in an hour of the week. Hours without a failure are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, QueryableByName)]
pub struct FailureHour {
    /// 1 Monday to 7 Sunday, in local time.
    #[diesel(sql_type = Integer)]
    pub weekday: i32,
    /// 0 to 23, in local time.
    #[diesel(sql_type = Integer)]
    pub hour: i32,
    /// Written rows that failed.
    #[diesel(sql_type = BigInt)]
    pub failed: i64,
}

/// What failed, by step of time and severity.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn failures(connection: &mut PgConnection, scope: &Scope) -> Result<Vec<FailureStep>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Timestamp)]
        start: NaiveDateTime,
        #[diesel(sql_type = Text)]
        severity: String,
        #[diesel(sql_type = BigInt)]
        failed: i64,
    }
    let rows: Vec<Row> = scope
        .query(
            "select
            date_trunc($7, failure.hour at time zone $6) as start,
            failure.severity,
            sum(failure.failed)::bigint as failed
        from audit.failure_by_hour as failure
        where failure.hour >= $4
            and failure.hour < $5
            and ($1 is null or failure.table_id = any ($1))
            and ($2 is null or failure.owner = any ($2))
            and ($3 is null or failure.severity = any ($3))
        group by start, failure.severity
        order by start, failure.severity",
        )
        .load(connection)?;
    rows.into_iter()
        .map(|row| {
            Ok(FailureStep {
                start: row.start,
                severity: severity(&row.severity)?,
                failed: row.failed,
            })
        })
        .collect()
}

/// What failed, by hour of the week.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn failures_by_hour_of_week(
    connection: &mut PgConnection,
    scope: &Scope,
) -> Result<Vec<FailureHour>> {
    Ok(scope
        .query(
            "select
            extract(isodow from failure.hour at time zone $6)::integer as weekday,
            extract(hour from failure.hour at time zone $6)::integer as hour,
            sum(failure.failed)::bigint as failed
        from audit.failure_by_hour as failure
        where failure.hour >= $4
            and failure.hour < $5
            and ($1 is null or failure.table_id = any ($1))
            and ($2 is null or failure.owner = any ($2))
            and ($3 is null or failure.severity = any ($3))
        group by 1, 2
        order by 1, 2",
        )
        .load(connection)?)
}
