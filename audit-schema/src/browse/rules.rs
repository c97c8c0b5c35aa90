//! Rules in force.

use audit_core::RuleKind;
use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Bool, Double, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension, PgConnection, QueryableByName, RunQueryDsl};
use serde_json::Value;

use super::{Listed, MENTIONS, Page, Total};
use crate::Result;

/// Which rules are asked for. What is not given does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleFilter {
    /// Only those whose name, table, owner or reason mentions this.
    pub text: Option<String>,
    /// Only those of this table.
    pub table_id: Option<i32>,
    /// Only those of this owner.
    pub owner: Option<String>,
    /// Only those of this severity.
    pub severity: Option<String>,
    /// Only those that fail now.
    pub failing: bool,
    /// Only those with failures that should have been put right by now.
    pub overdue: bool,
}

/// A rule in force as people look at it.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Rule {
    /// The number by which findings name it.
    #[diesel(sql_type = Integer)]
    pub rule_id: i32,
    /// The number of its table.
    #[diesel(sql_type = Integer)]
    pub table_id: i32,
    /// Schema and name of its table.
    #[diesel(sql_type = Text)]
    pub table: String,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// What is compared with what.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// The options of the kind.
    #[diesel(sql_type = Jsonb)]
    pub definition: Value,
    /// It is about rows for which this is true.
    #[diesel(sql_type = Nullable<Text>)]
    pub condition: Option<String>,
    /// `critical`, `important`, `normal` or `low`.
    #[diesel(sql_type = Text)]
    pub severity: String,
    /// `flag`, `quarantine` or `reject`.
    #[diesel(sql_type = Text)]
    pub action: String,
    /// Who has to fix what fails.
    #[diesel(sql_type = Text)]
    pub owner: String,
    /// Why it exists.
    #[diesel(sql_type = Text)]
    pub why: String,
    /// How long a failure may last, in seconds.
    #[diesel(sql_type = Nullable<Double>)]
    pub fix_within: Option<f64>,
    /// It is evaluated and counted, and never acts.
    #[diesel(sql_type = Bool)]
    pub shadow: bool,
    /// Whether the tick asks it: then groups fail it, and not rows.
    #[diesel(sql_type = Bool)]
    pub time_driven: bool,
    /// Why it can not be evaluated at present.
    #[diesel(sql_type = Nullable<Text>)]
    pub broken: Option<String>,
    /// Rows in the table now; of a time-driven rule the groups that were asked.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    /// Rows that fail it now.
    #[diesel(sql_type = BigInt)]
    pub failing: i64,
    /// How many of them, at least, have failed for too long.
    #[diesel(sql_type = BigInt)]
    pub overdue: i64,
    /// Statements for which it could not be evaluated.
    #[diesel(sql_type = BigInt)]
    pub errors: i64,
    /// Start of the first hour in which a written row failed it.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub first_failed: Option<DateTime<Utc>>,
    /// Start of the last such hour.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_failed: Option<DateTime<Utc>>,
}

impl Rule {
    /// What it demands, in one line.
    #[must_use]
    pub fn says(&self) -> String {
        RuleKind::from_definition(&self.kind, self.definition.clone())
            .map_or_else(|_| self.name.clone(), |kind| kind.to_string())
    }
}

// What is overdue is computed once, and not anew for each rule.
const RULES: &str = "with unfixed as materialized (
    select failure.rule_id, failure.overdue
    from audit.unfixed_failure as failure
    where failure.overdue > 0
)
select
    status.rule_id,
    status.table_id,
    status.table_name as \"table\",
    status.name,
    status.kind,
    status.definition,
    status.condition,
    status.severity,
    status.action,
    status.owner,
    status.why,
    extract(epoch from status.fix_within)::float8 as fix_within,
    status.shadow,
    status.class = 'time' as time_driven,
    rule.broken,
    status.rows,
    status.failing,
    coalesce(unfixed.overdue, 0) as overdue,
    status.errors,
    status.first_failed_hour as first_failed,
    status.last_failed_hour as last_failed
from audit.rule_status as status
join audit.rule as rule on rule.rule_id = status.rule_id
left join unfixed on unfixed.rule_id = status.rule_id";

/// Rules in force: the worst severity that fails first, then those that most rows fail.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn rules(
    connection: &mut PgConnection,
    filter: &RuleFilter,
    page: Page,
) -> Result<Listed<Rule>> {
    let condition = format!(
        "($1 is null or {MENTIONS}status.name, status.table_name, status.owner, status.why))) > 0)
            and ($2 is null or $2 = status.table_id)
            and ($3 is null or $3 = status.owner)
            and ($4 is null or $4 = status.severity)
            and (not $5 or status.taken_as_failing > 0)"
    );
    let overdue = "and (not $6 or unfixed.overdue > 0)";
    let rows = diesel::sql_query(format!(
        "{RULES}
        where {condition} {overdue}
        order by
            status.taken_as_failing = 0,
            array_position(array['critical', 'important', 'normal', 'low'], status.severity),
            status.taken_as_failing desc,
            status.table_name,
            status.name
        offset $7 limit $8"
    ))
    .bind::<Nullable<Text>, _>(&filter.text)
    .bind::<Nullable<Integer>, _>(filter.table_id)
    .bind::<Nullable<Text>, _>(&filter.owner)
    .bind::<Nullable<Text>, _>(&filter.severity)
    .bind::<Bool, _>(filter.failing)
    .bind::<Bool, _>(filter.overdue)
    .bind::<BigInt, _>(page.offset())
    .bind::<BigInt, _>(page.size)
    .load(connection)?;
    let Total { total } = diesel::sql_query(format!(
        "with unfixed as materialized (
            select failure.rule_id, failure.overdue
            from audit.unfixed_failure as failure
            where $6 and failure.overdue > 0
        )
        select count(*) as total
        from audit.rule_status as status
        left join unfixed on unfixed.rule_id = status.rule_id
        where {condition} {overdue}"
    ))
    .bind::<Nullable<Text>, _>(&filter.text)
    .bind::<Nullable<Integer>, _>(filter.table_id)
    .bind::<Nullable<Text>, _>(&filter.owner)
    .bind::<Nullable<Text>, _>(&filter.severity)
    .bind::<Bool, _>(filter.failing)
    .bind::<Bool, _>(filter.overdue)
    .get_result(connection)?;
    Ok(Listed { rows, total })
}

/// One rule in force.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn rule(connection: &mut PgConnection, rule_id: i32) -> Result<Option<Rule>> {
    Ok(
        diesel::sql_query(format!("{RULES} where status.rule_id = $1"))
            .bind::<Integer, _>(rule_id)
            .get_result(connection)
            .optional()?,
    )
}
