//! Alerts, from opening to resolution.

use audit_core::Severity;
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Double, Nullable, Text, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;

use super::{Scope, severity};
use crate::Result;

/// An alert from opening to resolution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlertSpan {
    /// The policy that opened it.
    pub policy: String,
    /// What it is about: table and rule, or the values of a group.
    pub about: String,
    /// One sentence with the numbers.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// When the condition was first seen to hold.
    pub opened_at: DateTime<Utc>,
    /// When somebody took it on.
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub resolved_at: Option<DateTime<Utc>>,
}

/// What is known of all alerts of a window at once.
#[derive(Debug, Clone, PartialEq, Serialize, QueryableByName)]
pub struct AlertTotals {
    /// Alerts that were open at any time in the window.
    #[diesel(sql_type = BigInt)]
    pub alerts: i64,
    /// Those of them that have not ended.
    #[diesel(sql_type = BigInt)]
    pub open: i64,
    /// Half of those that were taken on were so within this many seconds.
    #[diesel(sql_type = Nullable<Double>)]
    pub median_seconds_to_acknowledge: Option<f64>,
    /// Half of those that ended did so within this many seconds.
    #[diesel(sql_type = Nullable<Double>)]
    pub median_seconds_to_resolve: Option<f64>,
}

/// Alerts that are open now, by severity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenAlerts {
    /// How bad they are.
    pub severity: Severity,
    /// How many are open.
    pub open: i64,
    /// How many of them somebody has taken on.
    pub acknowledged: i64,
}

/// The alerts that were open at any time in a window: the worst severity first, then the earliest; at most `limit`.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn alerts(connection: &mut PgConnection, scope: &Scope, limit: i64) -> Result<Vec<AlertSpan>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        policy: String,
        #[diesel(sql_type = Text)]
        about: String,
        #[diesel(sql_type = Text)]
        title: String,
        #[diesel(sql_type = Text)]
        severity: String,
        #[diesel(sql_type = Timestamptz)]
        opened_at: DateTime<Utc>,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        acknowledged_at: Option<DateTime<Utc>>,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        resolved_at: Option<DateTime<Utc>>,
    }
    let rows: Vec<Row> = scope
        .query(
            "select
            span.policy,
            span.about,
            span.title,
            span.severity,
            span.opened_at,
            span.acknowledged_at,
            span.resolved_at
        from audit.alert_span as span
        where span.opened_at < $5
            and (span.resolved_at is null or span.resolved_at >= $4)
            and ($1 is null or span.table_id = any ($1))
            and ($2 is null or span.owner = any ($2))
            and ($3 is null or span.severity = any ($3))
        order by
            array_position(array['critical', 'important', 'normal', 'low'], span.severity),
            span.opened_at,
            span.policy,
            span.about
        limit $8",
        )
        .bind::<BigInt, _>(limit)
        .load(connection)?;
    rows.into_iter()
        .map(|row| {
            Ok(AlertSpan {
                policy: row.policy,
                about: row.about,
                title: row.title,
                severity: severity(&row.severity)?,
                opened_at: row.opened_at,
                acknowledged_at: row.acknowledged_at,
                resolved_at: row.resolved_at,
            })
        })
        .collect()
}

/// What is known of all alerts of a window at once.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn alert_totals(connection: &mut PgConnection, scope: &Scope) -> Result<AlertTotals> {
    Ok(scope
        .query(
            "select
            count(*) as alerts,
            count(*) filter (where span.resolved_at is null) as open,
            percentile_cont(0.5) within group (
                order by extract(epoch from span.acknowledged_at - span.opened_at)::float8
            ) as median_seconds_to_acknowledge,
            percentile_cont(0.5) within group (
                order by extract(epoch from span.resolved_at - span.opened_at)::float8
            ) as median_seconds_to_resolve
        from audit.alert_span as span
        where span.opened_at < $5
            and (span.resolved_at is null or span.resolved_at >= $4)
            and ($1 is null or span.table_id = any ($1))
            and ($2 is null or span.owner = any ($2))
            and ($3 is null or span.severity = any ($3))",
        )
        .get_result(connection)?)
}

/// Alerts that are open now, the worst severity first.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn open_alerts(connection: &mut PgConnection, scope: &Scope) -> Result<Vec<OpenAlerts>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        severity: String,
        #[diesel(sql_type = BigInt)]
        open: i64,
        #[diesel(sql_type = BigInt)]
        acknowledged: i64,
    }
    let rows: Vec<Row> = scope
        .query(
            "select
            span.severity,
            count(*) as open,
            count(*) filter (where span.acknowledged_at is not null) as acknowledged
        from audit.alert_span as span
        where span.resolved_at is null
            and ($1 is null or span.table_id = any ($1))
            and ($2 is null or span.owner = any ($2))
            and ($3 is null or span.severity = any ($3))
        group by span.severity
        order by array_position(array['critical', 'important', 'normal', 'low'], span.severity)",
        )
        .load(connection)?;
    rows.into_iter()
        .map(|row| {
            Ok(OpenAlerts {
                severity: severity(&row.severity)?,
                open: row.open,
                acknowledged: row.acknowledged,
            })
        })
        .collect()
}

/// How long people took for alerts of one severity.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Response {
    /// How bad the alerts are.
    pub severity: Severity,
    /// Alerts that were opened in the window.
    pub alerts: i64,
    /// How long until they were taken on.
    pub to_acknowledge: Lengths,
    /// How long until they ended.
    pub to_resolve: Lengths,
}

/// How lengths of time are distributed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lengths {
    /// How many, in classes that end at the lengths asked for, and those longer than all.
    pub classes: Vec<i64>,
    /// Half of them are no longer than this many seconds; `None` if there are none.
    pub median_seconds: Option<f64>,
    /// Nine of ten are no longer than this many seconds.
    pub p90_seconds: Option<f64>,
}

/// How long it took until the alerts that were opened in a window were taken on, and until they ended, in classes that
/// end at `lengths` seconds: the worst severity first.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn responses(
    connection: &mut PgConnection,
    scope: &Scope,
    lengths: &[i64],
) -> Result<Vec<Response>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        severity: String,
        #[diesel(sql_type = BigInt)]
        alerts: i64,
        #[diesel(sql_type = Array<BigInt>)]
        acknowledged: Vec<i64>,
        #[diesel(sql_type = Nullable<Double>)]
        median_to_acknowledge: Option<f64>,
        #[diesel(sql_type = Nullable<Double>)]
        p90_to_acknowledge: Option<f64>,
        #[diesel(sql_type = Array<BigInt>)]
        resolved: Vec<i64>,
        #[diesel(sql_type = Nullable<Double>)]
        median_to_resolve: Option<f64>,
        #[diesel(sql_type = Nullable<Double>)]
        p90_to_resolve: Option<f64>,
    }
    let classes = |length: &str| {
        super::classes(lengths.len(), |class| {
            format!("count(*) filter (where width_bucket(span.{length}, $8::float8[]) = {class})")
        })
    };
    let rows: Vec<Row> = scope
        .query(&format!(
            "with span as (
                select
                    span.severity,
                    extract(epoch from span.acknowledged_at - span.opened_at)::float8 as to_acknowledge,
                    extract(epoch from span.resolved_at - span.opened_at)::float8 as to_resolve
                from audit.alert_span as span
                where span.opened_at >= $4
                    and span.opened_at < $5
                    and ($1 is null or span.table_id = any ($1))
                    and ($2 is null or span.owner = any ($2))
                    and ($3 is null or span.severity = any ($3))
            )
            select
                span.severity,
                count(*) as alerts,
                {acknowledged} as acknowledged,
                percentile_cont(0.5) within group (order by span.to_acknowledge) as median_to_acknowledge,
                percentile_cont(0.9) within group (order by span.to_acknowledge) as p90_to_acknowledge,
                {resolved} as resolved,
                percentile_cont(0.5) within group (order by span.to_resolve) as median_to_resolve,
                percentile_cont(0.9) within group (order by span.to_resolve) as p90_to_resolve
            from span
            group by span.severity
            order by array_position(array['critical', 'important', 'normal', 'low'], span.severity)",
            acknowledged = classes("to_acknowledge"),
            resolved = classes("to_resolve"),
        ))
        .bind::<Array<BigInt>, _>(lengths)
        .load(connection)?;
    rows.into_iter()
        .map(|row| {
            Ok(Response {
                severity: severity(&row.severity)?,
                alerts: row.alerts,
                to_acknowledge: Lengths {
                    classes: row.acknowledged,
                    median_seconds: row.median_to_acknowledge,
                    p90_seconds: row.p90_to_acknowledge,
                },
                to_resolve: Lengths {
                    classes: row.resolved,
                    median_seconds: row.median_to_resolve,
                    p90_seconds: row.p90_to_resolve,
                },
            })
        })
        .collect()
}
