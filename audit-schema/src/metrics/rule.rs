//! The rules in force, and what has to be put right.

use audit_core::Severity;
use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;

use super::{Scope, severity};
use crate::Result;

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
    /// Start of the first hour in which a written row failed it.
    pub first_failed_hour: Option<DateTime<Utc>>,
}

/// All rules in force together, without those on trial.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, QueryableByName)]
pub struct RuleTotals {
    /// How many there are.
    #[diesel(sql_type = BigInt)]
    pub rules: i64,
    /// How many of them fail now.
    #[diesel(sql_type = BigInt)]
    pub failing_rules: i64,
    /// Rows that fail now; a row counts once for every rule that it fails.
    #[diesel(sql_type = BigInt)]
    pub failing: i64,
    /// The same of business-critical rules.
    #[diesel(sql_type = BigInt)]
    pub critical: i64,
    /// Statements for which a rule could not be evaluated.
    #[diesel(sql_type = BigInt)]
    pub errors: i64,
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

/// How many rules there are, and how many rows fail them.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn rule_totals(connection: &mut PgConnection, scope: &Scope) -> Result<RuleTotals> {
    Ok(scope
        .query(
            "select
                count(*) as rules,
                count(*) filter (where status.taken_as_failing > 0) as failing_rules,
                coalesce(sum(status.taken_as_failing), 0)::bigint as failing,
                coalesce(sum(status.taken_as_failing) filter (where status.severity = 'critical'), 0)::bigint as critical,
                coalesce(sum(status.errors), 0)::bigint as errors
            from audit.rule_status as status
            where not status.shadow
                and ($1 is null or status.table_id = any ($1))
                and ($2 is null or status.owner = any ($2))
                and ($3 is null or status.severity = any ($3))",
        )
        .get_result(connection)?)
}

/// The rules that fail now: those that most rows fail first, then the worst severity; at most `limit`.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn failing_rules(
    connection: &mut PgConnection,
    scope: &Scope,
    limit: i64,
) -> Result<Vec<RuleStatus>> {
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
        #[diesel(sql_type = Nullable<Timestamptz>)]
        first_failed_hour: Option<DateTime<Utc>>,
    }
    let rows: Vec<Row> = scope
        .query(
            "select
                worst.table_name,
                worst.name,
                worst.kind,
                worst.definition,
                worst.severity,
                worst.owner,
                worst.taken_as_failing as failing,
                -- Asked for these few rules only: hours of all of them are many.
                (
                    select min(hours.hour)
                    from audit.rule_activity as hours
                    where hours.rule_id = worst.rule_id
                        and hours.failed > 0
                ) as first_failed_hour
            from (
                -- Named one by one: without the hours the planner leaves them out.
                select
                    status.rule_id,
                    status.table_name,
                    status.name,
                    status.kind,
                    status.definition,
                    status.severity,
                    status.owner,
                    status.taken_as_failing
                from audit.rule_status as status
                where not status.shadow
                    and status.taken_as_failing > 0
                    and ($1 is null or status.table_id = any ($1))
                    and ($2 is null or status.owner = any ($2))
                    and ($3 is null or status.severity = any ($3))
                order by
                    status.taken_as_failing desc,
                    array_position(array['critical', 'important', 'normal', 'low'], status.severity),
                    status.table_name,
                    status.name
                limit $8
            ) as worst
            order by
                worst.taken_as_failing desc,
                array_position(array['critical', 'important', 'normal', 'low'], worst.severity),
                worst.table_name,
                worst.name",
        )
        .bind::<BigInt, _>(limit)
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
                first_failed_hour: row.first_failed_hour,
            })
        })
        .collect()
}

/// Failures that have to be put right within a time, the worst severity first.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn unfixed(connection: &mut PgConnection, scope: &Scope) -> Result<Vec<Unfixed>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        severity: String,
        #[diesel(sql_type = BigInt)]
        failing: i64,
        #[diesel(sql_type = BigInt)]
        overdue: i64,
    }
    let rows: Vec<Row> = scope
        .query(
            "select
                failure.severity,
                sum(failure.failing)::bigint as failing,
                sum(failure.overdue)::bigint as overdue
            from audit.unfixed_failure as failure
            where ($1 is null or failure.table_id = any ($1))
                and ($2 is null or failure.owner = any ($2))
                and ($3 is null or failure.severity = any ($3))
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
