//! Findings, and the rows they kept.

use chrono::{DateTime, Utc};
use diesel::sql_types::{
    Array, BigInt, Bool, Integer, Json, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel::{OptionalExtension, PgConnection, QueryableByName, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::Page;
use crate::Result;

/// Which findings are asked for. What is not given does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindingFilter {
    /// Only of this table.
    pub table_id: Option<i32>,
    /// Only of this rule.
    pub rule_id: Option<i32>,
    /// Only of this severity.
    pub severity: Option<String>,
    /// Only those that this owner has to see to.
    pub owner: Option<String>,
}

/// A finding as people look at it, without the contents of rows.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Found {
    /// Identifies it.
    #[diesel(sql_type = SqlUuid)]
    pub finding_id: Uuid,
    /// When it happened, or else when it was found.
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    /// The number of the table.
    #[diesel(sql_type = Integer)]
    pub table_id: i32,
    /// Schema and name of the table.
    #[diesel(sql_type = Text)]
    pub table: String,
    /// The number of the rule.
    #[diesel(sql_type = Integer)]
    pub rule_id: i32,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub rule: String,
    /// Whether the rule is in force.
    #[diesel(sql_type = Bool)]
    pub in_force: bool,
    /// `critical`, `important`, `normal` or `low`.
    #[diesel(sql_type = Text)]
    pub severity: String,
    /// `flag`, `quarantine`, `reject` or `shadow`.
    #[diesel(sql_type = Text)]
    pub action: String,
    /// Who has to fix it.
    #[diesel(sql_type = Text)]
    pub owner: String,
    /// `I`, `U`, `D` or `T`; null where nobody wrote.
    #[diesel(sql_type = Nullable<Text>)]
    pub op: Option<String>,
    /// How many rows the statement wrote.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    /// How many of them fail.
    #[diesel(sql_type = BigInt)]
    pub failed: i64,
    /// The error that the rule itself raised.
    #[diesel(sql_type = Nullable<Text>)]
    pub error: Option<String>,
    /// Until when it has to be fixed.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub fix_by: Option<DateTime<Utc>>,
    /// The actor, else the application, else the role.
    #[diesel(sql_type = Text)]
    pub writer: String,
    /// The request that led to the write.
    #[diesel(sql_type = Nullable<Text>)]
    pub request_id: Option<String>,
}

/// The rows of a finding, which not everybody may read.
#[derive(Debug, Clone, Default, PartialEq, QueryableByName)]
pub struct Contents {
    /// The primary keys of the first failing rows.
    #[diesel(sql_type = Array<Text>)]
    pub keys: Vec<String>,
    /// The first failing rows.
    #[diesel(sql_type = Nullable<Json>)]
    pub samples: Option<Value>,
}

const FINDINGS: &str = "select
    finding.finding_id,
    coalesce(finding.occurred_at, finding.at) as at,
    finding.table_id,
    watched.name as \"table\",
    finding.rule_id,
    rule.name as rule,
    rule.retired_at is null and watched.unwatched_at is null as in_force,
    rule.severity,
    finding.action,
    rule.owner,
    finding.op::text as op,
    finding.rows,
    finding.new_failed as failed,
    finding.error,
    coalesce(finding.occurred_at, finding.at) + rule.fix_within as fix_by,
    coalesce(finding.actor, finding.application, finding.session_role) as writer,
    finding.request_id
from audit.finding as finding
join audit.rule as rule on rule.rule_id = finding.rule_id
join audit.watched_table as watched on watched.table_id = finding.table_id";

/// Findings with rows that fail, the newest first: those of a page, and whether there are more. How many there are in all
/// is not counted, because there can be any number of them.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn findings(
    connection: &mut PgConnection,
    filter: &FindingFilter,
    page: Page,
) -> Result<(Vec<Found>, bool)> {
    let mut rows: Vec<Found> = diesel::sql_query(format!(
        "{FINDINGS}
        where (finding.new_failed > 0 or finding.error is not null)
            and ($1 is null or $1 = finding.table_id)
            and ($2 is null or $2 = finding.rule_id)
            and ($3 is null or $3 = rule.severity)
            and ($4 is null or $4 = coalesce(nullif(rule.owner, ''), watched.owner))
        order by coalesce(finding.occurred_at, finding.at) desc, finding.lsn desc, finding.finding_id
        offset $5 limit $6 + 1"
    ))
    .bind::<Nullable<Integer>, _>(filter.table_id)
    .bind::<Nullable<Integer>, _>(filter.rule_id)
    .bind::<Nullable<Text>, _>(&filter.severity)
    .bind::<Nullable<Text>, _>(&filter.owner)
    .bind::<BigInt, _>(page.offset())
    .bind::<BigInt, _>(page.size)
    .load(connection)?;
    let size = usize::try_from(page.size).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
    Ok((rows, more))
}

/// One finding; with the contents of its rows if they are asked for, which takes the right to read them.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn finding(
    connection: &mut PgConnection,
    finding_id: Uuid,
    contents: bool,
) -> Result<Option<(Found, Contents)>> {
    let found: Option<Found> =
        diesel::sql_query(format!("{FINDINGS} where finding.finding_id = $1"))
            .bind::<SqlUuid, _>(finding_id)
            .get_result(connection)
            .optional()?;
    let Some(found) = found else {
        return Ok(None);
    };
    let contents = if contents {
        diesel::sql_query(
            "select coalesce(finding.keys, '{}') as keys, finding.samples
            from audit.finding as finding
            where finding.finding_id = $1",
        )
        .bind::<SqlUuid, _>(finding_id)
        .get_result(connection)?
    } else {
        Contents::default()
    };
    Ok(Some((found, contents)))
}
