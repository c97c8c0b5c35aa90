//! Watched tables.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Bool, Double, Integer, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension, PgConnection, QueryableByName, RunQueryDsl};

use super::{Listed, MENTIONS, Page, Total};
use crate::Result;

/// Which tables are asked for. What is not given does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableFilter {
    /// Only those whose name, owner or reason mentions this.
    pub text: Option<String>,
    /// Only those of this owner.
    pub owner: Option<String>,
    /// Only those with rules that fail now.
    pub failing: bool,
}

/// A watched table as people look at it.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Table {
    /// The number by which the log names it.
    #[diesel(sql_type = Integer)]
    pub table_id: i32,
    /// Schema and name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// The table as `regclass` reads it.
    #[diesel(sql_type = Text)]
    pub relation: String,
    /// Who answers for its data.
    #[diesel(sql_type = Text)]
    pub owner: String,
    /// Why it is audited.
    #[diesel(sql_type = Text)]
    pub why: String,
    /// Whether its rows can be told apart.
    #[diesel(sql_type = Bool)]
    pub has_key: bool,
    /// Since when it is watched.
    #[diesel(sql_type = Timestamptz)]
    pub watched_at: DateTime<Utc>,
    /// When it was last written to, in the time of the writer.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub written_at: Option<DateTime<Utc>>,
    /// Rows in it now.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    /// Rules in force.
    #[diesel(sql_type = BigInt)]
    pub rules: i64,
    /// Rules that fail now.
    #[diesel(sql_type = BigInt)]
    pub failing_rules: i64,
    /// Sum over the rules of the rows that fail it now.
    #[diesel(sql_type = BigInt)]
    pub failures: i64,
    /// Lower bound of the share of rows that pass every rule.
    #[diesel(sql_type = Nullable<Double>)]
    pub at_least: Option<f64>,
    /// Upper bound of that share.
    #[diesel(sql_type = Nullable<Double>)]
    pub at_most: Option<f64>,
    /// Rows that wait in quarantine.
    #[diesel(sql_type = BigInt)]
    pub held: i64,
    /// Alerts about it that are open.
    #[diesel(sql_type = BigInt)]
    pub open_alerts: i64,
}

const TABLES: &str = "select
    quality.table_id,
    quality.name,
    watched.relation::text as relation,
    quality.owner,
    watched.why,
    watched.key_columns <> '{}' as has_key,
    watched.watched_at,
    counter.written_at,
    quality.rows,
    quality.rules,
    quality.failing_rules,
    quality.failures,
    quality.share_passing_at_least as at_least,
    quality.share_passing_at_most as at_most,
    coalesce(aside.held, 0) as held,
    coalesce(alert.open, 0) as open_alerts
from audit.table_quality as quality
join audit.watched_table as watched on watched.table_id = quality.table_id
left join audit.table_counter as counter on counter.table_id = quality.table_id
left join audit.quarantine_status as aside on aside.table_id = quality.table_id
left join (
    select coalesce(rule.table_id, alert.table_id) as table_id, count(*) as open
    from audit.alert as alert
    left join audit.rule as rule on rule.rule_id = alert.rule_id
    where alert.state not in ('pending', 'resolved')
    group by 1
) as alert on alert.table_id = quality.table_id";

/// Watched tables, those with the most failures first.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn tables(
    connection: &mut PgConnection,
    filter: &TableFilter,
    page: Page,
) -> Result<Listed<Table>> {
    let condition = format!(
        "($1 is null or {MENTIONS}quality.name, quality.owner, watched.why))) > 0)
            and ($2 is null or $2 = quality.owner)
            and (not $3 or quality.failing_rules > 0)"
    );
    let rows = diesel::sql_query(format!(
        "{TABLES}
        where {condition}
        order by quality.failures desc, quality.name
        offset $4 limit $5"
    ))
    .bind::<Nullable<Text>, _>(&filter.text)
    .bind::<Nullable<Text>, _>(&filter.owner)
    .bind::<Bool, _>(filter.failing)
    .bind::<BigInt, _>(page.offset())
    .bind::<BigInt, _>(page.size)
    .load(connection)?;
    let Total { total } = diesel::sql_query(format!(
        "select count(*) as total
        from audit.table_quality as quality
        join audit.watched_table as watched on watched.table_id = quality.table_id
        where {condition}"
    ))
    .bind::<Nullable<Text>, _>(&filter.text)
    .bind::<Nullable<Text>, _>(&filter.owner)
    .bind::<Bool, _>(filter.failing)
    .get_result(connection)?;
    Ok(Listed { rows, total })
}

/// One watched table.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn table(connection: &mut PgConnection, table_id: i32) -> Result<Option<Table>> {
    Ok(
        diesel::sql_query(format!("{TABLES} where quality.table_id = $1"))
            .bind::<Integer, _>(table_id)
            .get_result(connection)
            .optional()?,
    )
}
