//! Rows that were set aside.

use audit_core::Severity;
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;

use super::{Scope, severity};
use crate::Result;

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

/// Rows in quarantine. They are about a severity and an owner if one of the rules is that they fail.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn quarantine(connection: &mut PgConnection, scope: &Scope) -> Result<Quarantine> {
    Ok(scope
        .query(
            "select
                count(*) filter (where aside.state = 'held') as held,
                count(*) filter (where aside.state = 'released') as released,
                count(*) filter (where aside.state = 'discarded') as discarded,
                min(coalesce(aside.occurred_at, aside.at)) filter (where aside.state = 'held') as oldest_held_at
            from audit.quarantine as aside
            join audit.watched_table as watched
                on watched.table_id = aside.table_id
            where ($1 is null or aside.table_id = any ($1))
                and (
                    $2 is null and $3 is null
                    or exists (
                        select
                        from audit.rule as rule
                        where rule.rule_id = any (aside.rules)
                            and ($2 is null or coalesce(nullif(rule.owner, ''), watched.owner) = any ($2))
                            and ($3 is null or rule.severity = any ($3))
                    )
                )",
        )
        .get_result(connection)?)
}

/// Rows that wait because of one rule, by how long they have waited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuarantineAge {
    /// Schema and name of the table.
    pub table: String,
    /// The rule.
    pub rule: String,
    /// How bad a failure is.
    pub severity: Severity,
    /// Who has to see to it.
    pub owner: String,
    /// Rows that wait, in classes that end at the ages asked for, and those older than all.
    pub held: Vec<i64>,
    /// When the oldest was set aside.
    pub oldest_held_at: DateTime<Utc>,
    /// How many such rules there are in all.
    pub rules: i64,
}

/// Rows that wait, by rule and by how long they have waited at a moment, in classes that end at `ages` seconds: the rules
/// with most rows first, at most `limit`. A row that fails two rules counts for both.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn quarantine_ages(
    connection: &mut PgConnection,
    scope: &Scope,
    as_of: DateTime<Utc>,
    ages: &[i64],
    limit: i64,
) -> Result<Vec<QuarantineAge>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        table_name: String,
        #[diesel(sql_type = Text)]
        rule: String,
        #[diesel(sql_type = Text)]
        severity: String,
        #[diesel(sql_type = Text)]
        owner: String,
        #[diesel(sql_type = Array<BigInt>)]
        held: Vec<i64>,
        #[diesel(sql_type = Timestamptz)]
        oldest_held_at: DateTime<Utc>,
        #[diesel(sql_type = BigInt)]
        rules: i64,
    }
    let rows: Vec<Row> = scope
        .query(&format!(
            "with held as (
                select
                    rule.rule_id,
                    -- A row can not have waited for less than no time, and a replay may tell a time that is to come.
                    width_bucket(greatest(extract(epoch from $8 - coalesce(aside.occurred_at, aside.at)), 0)::float8, $9::float8[]) as class,
                    count(*) as rows,
                    min(coalesce(aside.occurred_at, aside.at)) as oldest_held_at
                from audit.quarantine as aside
                cross join lateral unnest(aside.rules) as failed (rule_id)
                join audit.rule as rule
                    on rule.rule_id = failed.rule_id
                where aside.state = 'held'
                    and ($1 is null or aside.table_id = any ($1))
                group by 1, 2
            )
            select
                watched.name as table_name,
                rule.name as rule,
                rule.severity,
                coalesce(nullif(rule.owner, ''), watched.owner) as owner,
                {classes} as held,
                min(held.oldest_held_at) as oldest_held_at,
                count(*) over () as rules
            from held
            join audit.rule as rule
                on rule.rule_id = held.rule_id
            join audit.watched_table as watched
                on watched.table_id = rule.table_id
            where ($2 is null or coalesce(nullif(rule.owner, ''), watched.owner) = any ($2))
                and ($3 is null or rule.severity = any ($3))
            group by rule.rule_id, watched.name, watched.owner
            order by sum(held.rows) desc, watched.name, rule.name
            limit $10",
            classes = super::classes(ages.len(), |class| {
                format!("coalesce(sum(held.rows) filter (where held.class = {class}), 0)::bigint")
            }),
        ))
        .bind::<Timestamptz, _>(as_of)
        .bind::<Array<BigInt>, _>(ages)
        .bind::<BigInt, _>(limit)
        .load(connection)?;
    rows.into_iter()
        .map(|row| {
            Ok(QuarantineAge {
                table: row.table_name,
                rule: row.rule,
                severity: severity(&row.severity)?,
                owner: row.owner,
                held: row.held,
                oldest_held_at: row.oldest_held_at,
                rules: row.rules,
            })
        })
        .collect()
}
