//! How rules fared over time.

use audit_core::Severity;
use chrono::NaiveDateTime;
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Text, Timestamp};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;

use super::{Scope, severity};
use crate::Result;

/// A rule and what became of the rows that were written in a window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleRecord {
    /// Its number.
    pub rule_id: i32,
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
    /// Rows inserted into its table and updated in it.
    pub checked: i64,
    /// Those of them that failed it when they were written.
    pub failed: i64,
    /// Rows that fail it now.
    pub failing: i64,
    /// How many such rules there are in all.
    pub rules: i64,
    /// How many rows failed any of them.
    pub failed_in_all: i64,
}

/// What was written to the table of a rule in a step of time, and how much of it failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, QueryableByName)]
pub struct RuleStep {
    /// The rule.
    #[diesel(sql_type = Integer)]
    pub rule_id: i32,
    /// Start of the step, in local time.
    #[diesel(sql_type = Timestamp)]
    pub start: NaiveDateTime,
    /// Rows inserted and updated.
    #[diesel(sql_type = BigInt)]
    pub checked: i64,
    /// Those of them that failed it.
    #[diesel(sql_type = BigInt)]
    pub failed: i64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Integer)]
    rule_id: i32,
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
    checked: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
    #[diesel(sql_type = BigInt)]
    failing: i64,
    #[diesel(sql_type = BigInt)]
    rules: i64,
    #[diesel(sql_type = BigInt)]
    failed_in_all: i64,
}

impl Row {
    fn record(self) -> Result<RuleRecord> {
        Ok(RuleRecord {
            rule_id: self.rule_id,
            table: self.table_name,
            name: self.name,
            kind: self.kind,
            definition: self.definition,
            severity: severity(&self.severity)?,
            owner: self.owner,
            checked: self.checked,
            failed: self.failed,
            failing: self.failing,
            rules: self.rules,
            failed_in_all: self.failed_in_all,
        })
    }
}

/// The rules by whose failures a window is known, those that failed most first, at most `limit`. Rules that were taken
/// back are among them; of a time-driven rule groups fail in the place of rows.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn failures_by_rule(
    connection: &mut PgConnection,
    scope: &Scope,
    limit: i64,
) -> Result<Vec<RuleRecord>> {
    let rows: Vec<Row> = scope
        .query(
            "select
                worst.rule_id,
                watched.name as table_name,
                rule.name,
                rule.kind,
                rule.definition,
                rule.severity,
                coalesce(nullif(rule.owner, ''), watched.owner) as owner,
                0::bigint as checked,
                worst.failed,
                coalesce(counter.failing, 0)::bigint as failing,
                worst.rules,
                worst.failed_in_all
            from (
                select
                    failure.rule_id,
                    sum(failure.failed)::bigint as failed,
                    count(*) over () as rules,
                    (sum(sum(failure.failed)) over ())::bigint as failed_in_all
                from audit.failure_by_hour as failure
                where failure.hour >= $4
                    and failure.hour < $5
                    and ($1 is null or failure.table_id = any ($1))
                    and ($2 is null or failure.owner = any ($2))
                    and ($3 is null or failure.severity = any ($3))
                group by failure.rule_id
                order by sum(failure.failed) desc, failure.rule_id
                limit $8
            ) as worst
            join audit.rule as rule
                on rule.rule_id = worst.rule_id
            join audit.watched_table as watched
                on watched.table_id = rule.table_id
            left join audit.rule_counter as counter
                on counter.rule_id = worst.rule_id
            order by worst.failed desc, watched.name, rule.name",
        )
        .bind::<BigInt, _>(limit)
        .load(connection)?;
    rows.into_iter().map(Row::record).collect()
}

/// The rules in force about single rows whose table was written to in a window: those that the largest share of the rows
/// failed first, at most `limit`.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn pass_rates(
    connection: &mut PgConnection,
    scope: &Scope,
    limit: i64,
) -> Result<Vec<RuleRecord>> {
    let rows: Vec<Row> = scope
        .query(
            "select
                rule.rule_id,
                watched.name as table_name,
                rule.name,
                rule.kind,
                rule.definition,
                rule.severity,
                coalesce(nullif(rule.owner, ''), watched.owner) as owner,
                written.rows as checked,
                coalesce(failed.rows, 0) as failed,
                0::bigint as failing,
                count(*) over () as rules,
                (sum(coalesce(failed.rows, 0)) over ())::bigint as failed_in_all
            from audit.rule as rule
            join audit.watched_table as watched
                on watched.table_id = rule.table_id
                and watched.unwatched_at is null
            join (
                select change.table_id, sum(change.rows)::bigint as rows
                from audit.change_by_hour as change
                where change.op in ('I', 'U')
                    and change.hour >= $4
                    and change.hour < $5
                    and ($1 is null or change.table_id = any ($1))
                group by change.table_id
            ) as written
                on written.table_id = rule.table_id
                and written.rows > 0
            left join (
                select failure.rule_id, sum(failure.failed)::bigint as rows
                from audit.failure_by_hour as failure
                where failure.hour >= $4
                    and failure.hour < $5
                    and ($1 is null or failure.table_id = any ($1))
                group by failure.rule_id
            ) as failed
                on failed.rule_id = rule.rule_id
            where rule.retired_at is null
                and rule.class <> 'time'
                and not rule.shadow
                and ($2 is null or coalesce(nullif(rule.owner, ''), watched.owner) = any ($2))
                and ($3 is null or rule.severity = any ($3))
            order by
                coalesce(failed.rows, 0)::float8 / written.rows desc,
                array_position(array['critical', 'important', 'normal', 'low'], rule.severity),
                watched.name,
                rule.name
            limit $8",
        )
        .bind::<BigInt, _>(limit)
        .load(connection)?;
    rows.into_iter().map(Row::record).collect()
}

/// How rules fared in each step of a window in which their table was written to.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn rule_steps(
    connection: &mut PgConnection,
    scope: &Scope,
    rules: &[i32],
) -> Result<Vec<RuleStep>> {
    Ok(scope
        .query(
            "select
                rule.rule_id,
                written.start,
                written.rows as checked,
                coalesce(failed.rows, 0) as failed
            from audit.rule as rule
            join (
                select
                    change.table_id,
                    date_trunc($7, change.hour at time zone $6) as start,
                    sum(change.rows)::bigint as rows
                from audit.change_by_hour as change
                where change.op in ('I', 'U')
                    and change.hour >= $4
                    and change.hour < $5
                    and change.table_id in (select rule.table_id from audit.rule as rule where rule.rule_id = any ($8))
                group by 1, 2
            ) as written
                on written.table_id = rule.table_id
            left join (
                select
                    failure.rule_id,
                    date_trunc($7, failure.hour at time zone $6) as start,
                    sum(failure.failed)::bigint as rows
                from audit.failure_by_hour as failure
                where failure.hour >= $4
                    and failure.hour < $5
                    and failure.rule_id = any ($8)
                group by 1, 2
            ) as failed
                on failed.rule_id = rule.rule_id
                and failed.start = written.start
            where rule.rule_id = any ($8)
                and written.rows > 0
            order by rule.rule_id, written.start",
        )
        .bind::<Array<Integer>, _>(rules)
        .load(connection)?)
}
