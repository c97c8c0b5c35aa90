//! What was found, and what was refused: findings, and the evidence of rejections.

use audit_core::{Author, Finding, Op};
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Json, Nullable, Text, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;
use serde_json::Value;

use crate::author::AuthorRow;
use crate::rejection::RejectedBy;
use crate::{Error, Result};

/// Which findings are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only of this table, as `schema.table` or `table`.
    pub table: Option<String>,
    /// Only of the rule with this name.
    pub rule: Option<String>,
    /// At most so many, the newest.
    pub limit: i64,
}

/// The newest findings with rows that fail.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn findings(connection: &mut PgConnection, filter: &Filter) -> Result<Vec<Finding>> {
    let rows: Vec<FindingRow> = diesel::sql_query(
        "select
            finding.finding_id::text as finding_id,
            finding.at,
            finding.occurred_at,
            watched.name as \"table\",
            rule.name as rule,
            rule.severity,
            case finding.action when 'shadow' then 'flag' else finding.action end as action,
            finding.action = 'shadow' as shadow,
            rule.owner,
            finding.op::text as op,
            finding.rows,
            finding.new_failed,
            finding.old_failed,
            coalesce(finding.keys, '{}') as keys,
            finding.samples,
            finding.error,
            coalesce(finding.occurred_at, finding.at) + rule.fix_within as fix_by,
            finding.session_role,
            finding.actor,
            finding.application,
            null as client,
            finding.request_id
        from audit.finding as finding
        join audit.rule as rule using (rule_id)
        join audit.watched_table as watched on watched.table_id = finding.table_id
        where (finding.new_failed > 0 or finding.error is not null)
            and ($1 is null or $1 in (watched.name, split_part(watched.name, '.', 2)))
            and ($2 is null or $2 = rule.name)
        order by coalesce(finding.occurred_at, finding.at) desc, finding.lsn desc, finding.finding_id
        limit $3",
    )
    .bind::<Nullable<Text>, _>(&filter.table)
    .bind::<Nullable<Text>, _>(&filter.rule)
    .bind::<BigInt, _>(filter.limit)
    .load(connection)?;
    rows.into_iter().map(Finding::try_from).collect()
}

#[derive(QueryableByName)]
struct FindingRow {
    #[diesel(sql_type = Text)]
    finding_id: String,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    occurred_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    rule: String,
    #[diesel(sql_type = Text)]
    severity: String,
    #[diesel(sql_type = Text)]
    action: String,
    #[diesel(sql_type = Bool)]
    shadow: bool,
    #[diesel(sql_type = Text)]
    owner: String,
    #[diesel(sql_type = Nullable<Text>)]
    op: Option<String>,
    #[diesel(sql_type = BigInt)]
    rows: i64,
    #[diesel(sql_type = BigInt)]
    new_failed: i64,
    #[diesel(sql_type = BigInt)]
    old_failed: i64,
    #[diesel(sql_type = Array<Text>)]
    keys: Vec<String>,
    #[diesel(sql_type = Nullable<Json>)]
    samples: Option<Value>,
    #[diesel(sql_type = Nullable<Text>)]
    error: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    fix_by: Option<DateTime<Utc>>,
    #[diesel(embed)]
    author: AuthorRow,
}

impl TryFrom<FindingRow> for Finding {
    type Error = Error;

    fn try_from(row: FindingRow) -> Result<Self> {
        Ok(Finding {
            finding_id: row.finding_id,
            at: row.at,
            occurred_at: row.occurred_at,
            table: row.table,
            rule: row.rule,
            severity: row.severity.parse().map_err(Error::unreadable)?,
            action: row.action.parse().map_err(Error::unreadable)?,
            shadow: row.shadow,
            owner: row.owner,
            op: row
                .op
                .map(|letter| Op::from_letter(&letter))
                .transpose()
                .map_err(Error::unreadable)?,
            rows: row.rows,
            new_failed: row.new_failed,
            old_failed: row.old_failed,
            keys: row.keys,
            samples: match row.samples {
                None | Some(Value::Null) => Vec::new(),
                Some(Value::Array(rows)) => rows,
                Some(only) => vec![only],
            },
            error: row.error,
            fix_by: row.fix_by,
            author: row.author.into(),
        })
    }
}

/// One rule that refused a statement, from the evidence that was kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RejectedRule {
    /// Identifies the rejection; several rules may have refused the same statement.
    pub rejection_id: String,
    /// When it would have happened, if the writer said so, else when it was refused.
    pub at: DateTime<Utc>,
    /// Schema and name of the table.
    pub table: String,
    /// `insert` or `update`.
    pub op: String,
    /// How many rows the statement wrote.
    pub written: i64,
    /// The rule, how many rows fail it and which.
    pub rejected: RejectedBy,
    /// Who wrote.
    pub author: Author,
}

/// The newest rejections whose evidence was kept, one for each rule that refused.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn rejections(connection: &mut PgConnection, filter: &Filter) -> Result<Vec<RejectedRule>> {
    let rows: Vec<RejectedRow> = diesel::sql_query(
        "select
            refused.rejection_id::text as rejection_id,
            refused.at,
            refused.table_name,
            refused.op,
            refused.written,
            refused.rule,
            refused.severity,
            refused.rows,
            refused.keys,
            refused.samples,
            refused.error,
            refused.owner,
            refused.session_role,
            refused.actor,
            refused.application,
            refused.client,
            refused.request_id
        from audit.rejected_rule as refused
        where ($1 is null or $1 in (refused.table_name, split_part(refused.table_name, '.', 2)))
            and ($2 is null or $2 = refused.rule)
        order by refused.at desc, refused.rejection_id, refused.place
        limit $3",
    )
    .bind::<Nullable<Text>, _>(&filter.table)
    .bind::<Nullable<Text>, _>(&filter.rule)
    .bind::<BigInt, _>(filter.limit)
    .load(connection)?;
    Ok(rows.into_iter().map(RejectedRule::from).collect())
}

#[derive(QueryableByName)]
struct RejectedRow {
    #[diesel(sql_type = Text)]
    rejection_id: String,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    op: String,
    #[diesel(sql_type = BigInt)]
    written: i64,
    #[diesel(sql_type = Text)]
    rule: String,
    #[diesel(sql_type = Nullable<Text>)]
    severity: Option<String>,
    #[diesel(sql_type = BigInt)]
    rows: i64,
    #[diesel(sql_type = Array<Text>)]
    keys: Vec<String>,
    #[diesel(sql_type = Nullable<Json>)]
    samples: Option<Value>,
    #[diesel(sql_type = Nullable<Text>)]
    error: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    owner: Option<String>,
    #[diesel(embed)]
    author: AuthorRow,
}

impl From<RejectedRow> for RejectedRule {
    fn from(row: RejectedRow) -> Self {
        Self {
            rejection_id: row.rejection_id,
            at: row.at,
            table: row.table_name,
            op: row.op,
            written: row.written,
            rejected: RejectedBy {
                rule: row.rule,
                severity: row.severity,
                columns: Vec::new(),
                rows: row.rows,
                keys: row.keys,
                samples: match row.samples {
                    Some(Value::Array(rows)) => rows,
                    _ => Vec::new(),
                },
                error: row.error,
                why: None,
                owner: row.owner,
            },
            author: row.author.into(),
        }
    }
}
