//! Figures for reports: read from counters, hourly activities, alerts and the outbox through the views below
//! `sql/views`. Nothing here reads the packed log or a watched table, so the time it takes does not grow with either.
//!
//! Times are those of the writer (`occurred_at`, where one was given), hours and days begin where the time zone of the
//! [`Window`] has them.

use audit_core::Severity;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::sql_types::{BigInt, Double, Integer, Jsonb, Nullable, Text, Timestamp, Timestamptz};
use diesel::{Connection, OptionalExtension, PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;

use crate::{Error, Result};

/// A stretch of time, cut into steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Its first moment.
    pub from: DateTime<Utc>,
    /// The first moment after it.
    pub to: DateTime<Utc>,
    /// The time zone in which steps begin, by its name in the IANA database.
    pub time_zone: String,
    /// The width of a step.
    pub step: Step,
}

/// The width of a step of a [`Window`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A week, from Monday on.
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
}

impl Step {
    /// Its name for PostgreSQL's `date_trunc`.
    fn name(self) -> &'static str {
        match self {
            Step::Hour => "hour",
            Step::Day => "day",
            Step::Week => "week",
            Step::Month => "month",
            Step::Year => "year",
        }
    }
}

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

/// A rule in force.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleStatus {
    /// Schema and name of its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// What is compared with what.
    pub kind: String,
    /// The options of the kind.
    pub definition: serde_json::Value,
    /// How bad a failure is.
    pub severity: Severity,
    /// Who has to fix what fails.
    pub owner: String,
    /// Rows that fail it now; 0 if as many pass as have to.
    pub failing: i64,
    /// Statements for which it could not be evaluated.
    pub errors: i64,
    /// Start of the first hour in which a written row failed it.
    pub first_failed_hour: Option<DateTime<Utc>>,
}

/// Quality of a watched table.
#[derive(Debug, Clone, PartialEq, Serialize, QueryableByName)]
pub struct TableQuality {
    /// Schema and name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Rows in it now.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    /// Rules in force.
    #[diesel(sql_type = BigInt)]
    pub rules: i64,
    /// Sum over the rules of the rows that fail it now.
    #[diesel(sql_type = BigInt)]
    pub failures: i64,
    /// Lower bound of the share of rows that pass every rule; null without rows.
    #[diesel(sql_type = Nullable<Double>)]
    pub share_passing_at_least: Option<f64>,
    /// Upper bound of the share of rows that pass every rule; null without rows.
    #[diesel(sql_type = Nullable<Double>)]
    pub share_passing_at_most: Option<f64>,
}

/// How well rows were written to a table in the two halves of a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, QueryableByName)]
pub struct WriteQuality {
    /// Schema and name of the table.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Rows inserted and updated in the first half.
    #[diesel(sql_type = BigInt)]
    pub checked_before: i64,
    /// Failures among them; a row counts once for every rule that it failed.
    #[diesel(sql_type = BigInt)]
    pub failed_before: i64,
    /// Rows inserted and updated in the second half.
    #[diesel(sql_type = BigInt)]
    pub checked_after: i64,
    /// Failures among them.
    #[diesel(sql_type = BigInt)]
    pub failed_after: i64,
}

/// Rows in quarantine, of all tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, QueryableByName)]
pub struct Quarantine {
    /// Rows that wait.
    #[diesel(sql_type = BigInt)]
    pub held: i64,
    /// Rows that were put back.
    #[diesel(sql_type = BigInt)]
    pub released: i64,
    /// Rows that were thrown away.
    #[diesel(sql_type = BigInt)]
    pub discarded: i64,
    /// When the oldest of those that wait was set aside.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub oldest_held_at: Option<DateTime<Utc>>,
}

/// Failures that have to be put right within a time, by severity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unfixed {
    /// How bad they are.
    pub severity: Severity,
    /// How many rows fail now.
    pub failing: i64,
    /// How many of them, at least, have failed for too long.
    pub overdue: i64,
}

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

/// Runs a function in one snapshot, so that all figures it reads fit together. Inside of an open transaction it uses
/// that one, whatever its isolation.
///
/// # Errors
/// What the function returns, or that no transaction could be opened.
pub fn in_one_snapshot<T, E>(
    connection: &mut PgConnection,
    read: impl FnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E>
where
    E: From<diesel::result::Error>,
{
    use diesel::connection::TransactionManager;
    let open = <PgConnection as Connection>::TransactionManager::transaction_manager_status_mut(
        connection,
    )
    .transaction_depth()?
    .is_some();
    if open {
        connection.transaction(read)
    } else {
        connection
            .build_transaction()
            .repeatable_read()
            .read_only()
            .run(read)
    }
}

/// How the pipeline itself is doing.
///
/// # Errors
/// If the pipeline is not installed or may not be read; so it is with every function here.
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

/// The first and the last hour in which anything was written; `None` when nothing ever was.
///
/// # Errors
/// As for [`pipeline`].
pub fn activity(connection: &mut PgConnection) -> Result<Option<Activity>> {
    #[derive(QueryableByName)]
    struct Ends {
        #[diesel(sql_type = Nullable<Timestamptz>)]
        first: Option<DateTime<Utc>>,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        last: Option<DateTime<Utc>>,
    }
    let ends: Ends = diesel::sql_query(
        "select min(change.hour) as first, max(change.hour) as last
        from audit.change_by_hour as change",
    )
    .get_result(connection)?;
    Ok(ends
        .first
        .zip(ends.last)
        .map(|(first, last)| Activity { first, last }))
}

/// The time zone that most bucketed summaries are declared in; `None` when no summary has one.
///
/// # Errors
/// As for [`pipeline`].
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

/// What was written, by step of time.
///
/// # Errors
/// As for [`pipeline`].
pub fn changes(connection: &mut PgConnection, window: &Window) -> Result<Vec<ChangeStep>> {
    Ok(diesel::sql_query(
        "select
            date_trunc($4, change.hour at time zone $3) as start,
            sum(change.rows)::bigint as rows,
            coalesce(sum(change.rows) filter (where change.op in ('I', 'U')), 0)::bigint as checked
        from audit.change_by_hour as change
        where change.hour >= $1
            and change.hour < $2
            and change.op <> 'T'
        group by start
        order by start",
    )
    .bind::<Timestamptz, _>(window.from)
    .bind::<Timestamptz, _>(window.to)
    .bind::<Text, _>(&window.time_zone)
    .bind::<Text, _>(window.step.name())
    .load(connection)?)
}

/// What failed, by step of time and severity.
///
/// # Errors
/// As for [`pipeline`].
pub fn failures(connection: &mut PgConnection, window: &Window) -> Result<Vec<FailureStep>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Timestamp)]
        start: NaiveDateTime,
        #[diesel(sql_type = Text)]
        severity: String,
        #[diesel(sql_type = BigInt)]
        failed: i64,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "select
            date_trunc($4, failure.hour at time zone $3) as start,
            failure.severity,
            sum(failure.failed)::bigint as failed
        from audit.failure_by_hour as failure
        where failure.hour >= $1
            and failure.hour < $2
        group by start, failure.severity
        order by start, failure.severity",
    )
    .bind::<Timestamptz, _>(window.from)
    .bind::<Timestamptz, _>(window.to)
    .bind::<Text, _>(&window.time_zone)
    .bind::<Text, _>(window.step.name())
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
/// As for [`pipeline`].
pub fn failures_by_hour_of_week(
    connection: &mut PgConnection,
    window: &Window,
) -> Result<Vec<FailureHour>> {
    Ok(diesel::sql_query(
        "select
            extract(isodow from failure.hour at time zone $3)::integer as weekday,
            extract(hour from failure.hour at time zone $3)::integer as hour,
            sum(failure.failed)::bigint as failed
        from audit.failure_by_hour as failure
        where failure.hour >= $1
            and failure.hour < $2
        group by 1, 2
        order by 1, 2",
    )
    .bind::<Timestamptz, _>(window.from)
    .bind::<Timestamptz, _>(window.to)
    .bind::<Text, _>(&window.time_zone)
    .load(connection)?)
}

/// Every rule in force: those that most rows fail first, then the worst severity.
///
/// # Errors
/// As for [`pipeline`].
pub fn rules(connection: &mut PgConnection) -> Result<Vec<RuleStatus>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        table_name: String,
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        kind: String,
        #[diesel(sql_type = Jsonb)]
        definition: serde_json::Value,
        #[diesel(sql_type = Text)]
        severity: String,
        #[diesel(sql_type = Text)]
        owner: String,
        #[diesel(sql_type = BigInt)]
        failing: i64,
        #[diesel(sql_type = BigInt)]
        errors: i64,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        first_failed_hour: Option<DateTime<Utc>>,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "select
            status.table_name,
            status.name,
            status.kind,
            status.definition,
            status.severity,
            status.owner,
            status.taken_as_failing as failing,
            status.errors,
            status.first_failed_hour
        from audit.rule_status as status
        where not status.shadow
        order by
            status.taken_as_failing desc,
            array_position(array['critical', 'important', 'normal', 'low'], status.severity),
            status.table_name,
            status.name",
    )
    .load(connection)?;
    rows.into_iter()
        .map(|row| {
            Ok(RuleStatus {
                table: row.table_name,
                name: row.name,
                kind: row.kind,
                definition: row.definition,
                severity: severity(&row.severity)?,
                owner: row.owner,
                failing: row.failing,
                errors: row.errors,
                first_failed_hour: row.first_failed_hour,
            })
        })
        .collect()
}

/// The quality of every watched table, the worst first.
///
/// # Errors
/// As for [`pipeline`].
pub fn quality(connection: &mut PgConnection) -> Result<Vec<TableQuality>> {
    Ok(diesel::sql_query(
        "select
            quality.name,
            quality.rows,
            quality.rules,
            quality.failures,
            quality.share_passing_at_least,
            quality.share_passing_at_most
        from audit.table_quality as quality
        order by quality.share_passing_at_least nulls last, quality.rows desc, quality.name",
    )
    .load(connection)?)
}

/// How well rows were written in the first and in the second half of a window, for every table that was written to: to
/// tell whether it is getting better.
///
/// # Errors
/// As for [`pipeline`].
pub fn write_quality(connection: &mut PgConnection, window: &Window) -> Result<Vec<WriteQuality>> {
    let middle = window.from + (window.to - window.from) / 2;
    Ok(diesel::sql_query(
        "select
            part.name,
            coalesce(sum(part.checked) filter (where part.hour < $3), 0)::bigint as checked_before,
            coalesce(sum(part.failed) filter (where part.hour < $3), 0)::bigint as failed_before,
            coalesce(sum(part.checked) filter (where part.hour >= $3), 0)::bigint as checked_after,
            coalesce(sum(part.failed) filter (where part.hour >= $3), 0)::bigint as failed_after
        from (
            select change.table_name as name, change.hour, change.rows as checked, 0 as failed
            from audit.change_by_hour as change
            where change.op in ('I', 'U')
            union all
            select failure.table_name, failure.hour, 0, failure.failed
            from audit.failure_by_hour as failure
            join audit.rule as rule using (rule_id)
            -- Of a time-driven rule groups fail, which nobody wrote.
            where rule.class <> 'time'
        ) as part
        where part.hour >= $1
            and part.hour < $2
        group by part.name
        order by part.name",
    )
    .bind::<Timestamptz, _>(window.from)
    .bind::<Timestamptz, _>(window.to)
    .bind::<Timestamptz, _>(middle)
    .load(connection)?)
}

/// Rows in quarantine, of all tables.
///
/// # Errors
/// As for [`pipeline`].
pub fn quarantine(connection: &mut PgConnection) -> Result<Quarantine> {
    Ok(diesel::sql_query(
        "select
            coalesce(sum(status.held), 0)::bigint as held,
            coalesce(sum(status.released), 0)::bigint as released,
            coalesce(sum(status.discarded), 0)::bigint as discarded,
            min(status.oldest_held_at) as oldest_held_at
        from audit.quarantine_status as status",
    )
    .get_result(connection)?)
}

/// Failures that have to be put right within a time, the worst severity first.
///
/// # Errors
/// As for [`pipeline`].
pub fn unfixed(connection: &mut PgConnection) -> Result<Vec<Unfixed>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        severity: String,
        #[diesel(sql_type = BigInt)]
        failing: i64,
        #[diesel(sql_type = BigInt)]
        overdue: i64,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "select
            failure.severity,
            sum(failure.failing)::bigint as failing,
            sum(failure.overdue)::bigint as overdue
        from audit.unfixed_failure as failure
        group by failure.severity
        order by array_position(array['critical', 'important', 'normal', 'low'], failure.severity)",
    )
    .load(connection)?;
    rows.into_iter()
        .map(|row| {
            Ok(Unfixed {
                severity: severity(&row.severity)?,
                failing: row.failing,
                overdue: row.overdue,
            })
        })
        .collect()
}

/// The alerts that were open at any time in a window: the worst severity first, then the earliest; at most `limit`.
///
/// # Errors
/// As for [`pipeline`].
pub fn alerts(
    connection: &mut PgConnection,
    window: &Window,
    limit: i64,
) -> Result<Vec<AlertSpan>> {
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
    let rows: Vec<Row> = diesel::sql_query(
        "select
            span.policy,
            span.about,
            span.title,
            span.severity,
            span.opened_at,
            span.acknowledged_at,
            span.resolved_at
        from audit.alert_span as span
        where span.opened_at < $2
            and (span.resolved_at is null or span.resolved_at >= $1)
        order by
            array_position(array['critical', 'important', 'normal', 'low'], span.severity),
            span.opened_at,
            span.policy,
            span.about
        limit $3",
    )
    .bind::<Timestamptz, _>(window.from)
    .bind::<Timestamptz, _>(window.to)
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
/// As for [`pipeline`].
pub fn alert_totals(connection: &mut PgConnection, window: &Window) -> Result<AlertTotals> {
    Ok(diesel::sql_query(
        "select
            count(*) as alerts,
            percentile_cont(0.5) within group (
                order by extract(epoch from span.acknowledged_at - span.opened_at)::float8
            ) as median_seconds_to_acknowledge,
            percentile_cont(0.5) within group (
                order by extract(epoch from span.resolved_at - span.opened_at)::float8
            ) as median_seconds_to_resolve
        from audit.alert_span as span
        where span.opened_at < $2
            and (span.resolved_at is null or span.resolved_at >= $1)",
    )
    .bind::<Timestamptz, _>(window.from)
    .bind::<Timestamptz, _>(window.to)
    .get_result(connection)?)
}

/// Alerts that are open now, the worst severity first.
///
/// # Errors
/// As for [`pipeline`].
pub fn open_alerts(connection: &mut PgConnection) -> Result<Vec<OpenAlerts>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        severity: String,
        #[diesel(sql_type = BigInt)]
        open: i64,
        #[diesel(sql_type = BigInt)]
        acknowledged: i64,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "select
            span.severity,
            count(*) as open,
            count(*) filter (where span.acknowledged_at is not null) as acknowledged
        from audit.alert_span as span
        where span.resolved_at is null
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

/// Who wrote most in a window; at most `limit`, each of which also knows how many there are in all.
///
/// # Errors
/// As for [`pipeline`].
pub fn writers(connection: &mut PgConnection, window: &Window, limit: i64) -> Result<Vec<Writer>> {
    Ok(diesel::sql_query(
        "select
            change.actor as name,
            sum(change.rows)::bigint as rows,
            count(*) over () as writers
        from audit.change_by_hour as change
        where change.hour >= $1
            and change.hour < $2
            and change.op <> 'T'
        group by change.actor
        order by rows desc, name
        limit $3",
    )
    .bind::<Timestamptz, _>(window.from)
    .bind::<Timestamptz, _>(window.to)
    .bind::<BigInt, _>(limit)
    .load(connection)?)
}

fn severity(name: &str) -> Result<Severity> {
    name.parse().map_err(Error::unreadable)
}
