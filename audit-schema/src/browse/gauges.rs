//! What a monitoring system reads: a fixed number of figures, however many tables and rules there are.

use diesel::sql_types::{BigInt, Double, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};

use crate::Result;
use crate::metrics::{self, PipelineStatus};

/// The figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Gauges {
    /// How the pipeline itself is doing.
    pub pipeline: PipelineStatus,
    /// Seconds since the last tick; -1 if none has run.
    pub since_tick: f64,
    /// Watched tables.
    pub tables: i64,
    /// Rows that wait in quarantine.
    pub held: i64,
    /// For how many seconds the oldest of them has waited; 0 if none does.
    pub oldest_held: f64,
    /// What is known for each severity, worst first.
    pub severities: Vec<SeverityGauge>,
}

/// What is known for a severity.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct SeverityGauge {
    /// The severity.
    #[diesel(sql_type = Text)]
    pub severity: String,
    /// Rules in force.
    #[diesel(sql_type = BigInt)]
    pub rules: i64,
    /// Rules that fail now.
    #[diesel(sql_type = BigInt)]
    pub failing_rules: i64,
    /// Rows that fail now, a row once for every rule that it fails.
    #[diesel(sql_type = BigInt)]
    pub failing_rows: i64,
    /// How many of them, at least, have failed for too long.
    #[diesel(sql_type = BigInt)]
    pub overdue_rows: i64,
    /// Statements for which a rule could not be evaluated.
    #[diesel(sql_type = BigInt)]
    pub errors: i64,
    /// Open alerts that nobody has taken on.
    #[diesel(sql_type = BigInt)]
    pub firing: i64,
    /// Open alerts that somebody has taken on.
    #[diesel(sql_type = BigInt)]
    pub acknowledged: i64,
    /// Open alerts that rest.
    #[diesel(sql_type = BigInt)]
    pub snoozed: i64,
}

/// All figures at once.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn gauges(connection: &mut PgConnection) -> Result<Gauges> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Double)]
        since_tick: f64,
        #[diesel(sql_type = BigInt)]
        tables: i64,
        #[diesel(sql_type = BigInt)]
        held: i64,
        #[diesel(sql_type = Double)]
        oldest_held: f64,
    }
    let pipeline = metrics::pipeline(connection)?;
    let row: Row = diesel::sql_query(
        "select
            coalesce(extract(epoch from now() - status.ticked_at), -1)::float8 as since_tick,
            (select count(*) from audit.watched_table as watched where watched.unwatched_at is null) as tables,
            (select count(*) from audit.quarantine as aside where aside.state = 'held') as held,
            coalesce(
                extract(
                    epoch from status.as_of - (
                        select min(coalesce(aside.occurred_at, aside.at)) from audit.quarantine as aside where aside.state = 'held'
                    )
                ),
                0
            )::float8 as oldest_held
        from audit.pipeline_status as status",
    )
    .get_result(connection)?;
    let severities = diesel::sql_query(
        "with failing as (
            select
                status.severity,
                count(*) as rules,
                count(*) filter (where status.taken_as_failing > 0) as failing_rules,
                sum(status.taken_as_failing)::bigint as failing_rows,
                sum(status.errors)::bigint as errors
            from audit.rule_status as status
            where not status.shadow
            group by status.severity
        ), overdue as (
            select unfixed.severity, sum(unfixed.overdue)::bigint as rows
            from audit.unfixed_failure as unfixed
            group by unfixed.severity
        ), open as (
            select
                alert.severity,
                count(*) filter (where alert.state = 'firing') as firing,
                count(*) filter (where alert.state = 'acknowledged') as acknowledged,
                count(*) filter (where alert.state = 'snoozed') as snoozed
            from audit.alert as alert
            where alert.state <> 'resolved'
            group by alert.severity
        )
        select
            severity.name as severity,
            coalesce(failing.rules, 0) as rules,
            coalesce(failing.failing_rules, 0) as failing_rules,
            coalesce(failing.failing_rows, 0) as failing_rows,
            coalesce(overdue.rows, 0) as overdue_rows,
            coalesce(failing.errors, 0) as errors,
            coalesce(open.firing, 0) as firing,
            coalesce(open.acknowledged, 0) as acknowledged,
            coalesce(open.snoozed, 0) as snoozed
        from unnest(array['critical', 'important', 'normal', 'low']) with ordinality as severity (name, place)
        left join failing on failing.severity = severity.name
        left join overdue on overdue.severity = severity.name
        left join open on open.severity = severity.name
        order by severity.place",
    )
    .load(connection)?;
    Ok(Gauges {
        pipeline,
        since_tick: row.since_tick,
        tables: row.tables,
        held: row.held,
        oldest_held: row.oldest_held,
        severities,
    })
}
