//! Rows in quarantine by pages, without their contents.

use chrono::{DateTime, Utc};
use diesel::sql_types::{
    Array, BigInt, Double, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use uuid::Uuid;

use super::{Listed, Page, Total};
use crate::Result;

/// Which rows are asked for. What is not given does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldFilter {
    /// Only of this table.
    pub table_id: Option<i32>,
    /// Only those that fail this rule.
    pub rule_id: Option<i32>,
    /// Only those for which this owner of a rule or table answers.
    pub owner: Option<String>,
    /// `held`, `released` or `discarded`; null means all of them.
    pub state: Option<String>,
}

/// A row in quarantine as a list tells of it.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct HeldRow {
    /// Identifies it.
    #[diesel(sql_type = SqlUuid)]
    pub quarantine_id: Uuid,
    /// Since when it waits.
    #[diesel(sql_type = Timestamptz)]
    pub since: DateTime<Utc>,
    /// For how long, in seconds.
    #[diesel(sql_type = Double)]
    pub age: f64,
    /// When somebody must have seen to it.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub fix_by: Option<DateTime<Utc>>,
    /// The number of the table.
    #[diesel(sql_type = Integer)]
    pub table_id: i32,
    /// Schema and name of the table.
    #[diesel(sql_type = Text)]
    pub table: String,
    /// Primary key, as text.
    #[diesel(sql_type = Text)]
    pub key: String,
    /// The quarantine rules that it fails.
    #[diesel(sql_type = Array<Text>)]
    pub rules: Vec<String>,
    /// The worst severity among them.
    #[diesel(sql_type = Text)]
    pub severity: String,
    /// Who answers for them.
    #[diesel(sql_type = Text)]
    pub owner: String,
    /// Who wrote.
    #[diesel(sql_type = Text)]
    pub writer: String,
    /// `held`, `released` or `discarded`.
    #[diesel(sql_type = Text)]
    pub state: String,
}

/// Rows in quarantine, the newest first. Only those of the page are looked at in full.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn held(
    connection: &mut PgConnection,
    filter: &HeldFilter,
    page: Page,
) -> Result<Listed<HeldRow>> {
    let condition = "($1 is null or $1 = aside.table_id)
            and ($2 is null or $2 = any (aside.rules))
            and (
                $3 is null
                or aside.rules && array(
                    select rule.rule_id
                    from audit.rule as rule
                    join audit.watched_table as watched on watched.table_id = rule.table_id
                    where coalesce(nullif(rule.owner, ''), watched.owner) = $3
                )
            )
            and ($4 is null or $4 = aside.state)";
    let rows = diesel::sql_query(format!(
        "select
            row.quarantine_id,
            row.since,
            extract(epoch from row.age)::float8 as age,
            row.fix_by,
            row.table_id,
            row.table_name as \"table\",
            row.key,
            row.rules,
            row.severity,
            row.owner,
            row.writer,
            row.state
        from (
            select aside.quarantine_id
            from audit.quarantine as aside
            where {condition}
            order by coalesce(aside.occurred_at, aside.at) desc, aside.lsn desc, aside.quarantine_id
            offset $5 limit $6
        ) as meant
        join audit.quarantined_row as row on row.quarantine_id = meant.quarantine_id
        order by row.since desc, row.lsn desc, row.quarantine_id"
    ))
    .bind::<Nullable<Integer>, _>(filter.table_id)
    .bind::<Nullable<Integer>, _>(filter.rule_id)
    .bind::<Nullable<Text>, _>(&filter.owner)
    .bind::<Nullable<Text>, _>(&filter.state)
    .bind::<BigInt, _>(page.offset())
    .bind::<BigInt, _>(page.size)
    .load(connection)?;
    let Total { total } = diesel::sql_query(format!(
        "select count(*) as total from audit.quarantine as aside where {condition}"
    ))
    .bind::<Nullable<Integer>, _>(filter.table_id)
    .bind::<Nullable<Integer>, _>(filter.rule_id)
    .bind::<Nullable<Text>, _>(&filter.owner)
    .bind::<Nullable<Text>, _>(&filter.state)
    .get_result(connection)?;
    Ok(Listed { rows, total })
}
