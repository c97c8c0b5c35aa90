//! Which share of rows is as it should be.

use diesel::sql_types::{BigInt, Double, Nullable, Text, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;

use super::Scope;
use crate::Result;

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

/// All watched tables together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, QueryableByName)]
pub struct TableTotals {
    /// How many there are.
    #[diesel(sql_type = BigInt)]
    pub tables: i64,
    /// Rows in them now.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
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

/// The watched tables that a scope is about: those named, and those with an owner named, of themselves or of a rule.
const TABLES: &str = "watched.unwatched_at is null
                and ($1 is null or watched.table_id = any ($1))
                and (
                    $2 is null
                    or watched.owner = any ($2)
                    or exists (
                        select
                        from audit.rule as owned
                        where owned.table_id = watched.table_id
                            and owned.retired_at is null
                            and owned.owner = any ($2)
                    )
                )";

/// The quality of watched tables, as `audit.table_quality` has it but by the rules that the scope is about: the worst
/// first, at most `limit`.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn quality(
    connection: &mut PgConnection,
    scope: &Scope,
    limit: i64,
) -> Result<Vec<TableQuality>> {
    Ok(scope
        .query(&format!(
            "select
                part.name,
                part.rows,
                part.rules,
                part.failures,
                case when part.rows > 0 then greatest(1 - part.failures::float8 / part.rows, 0) end as share_passing_at_least,
                case when part.rows > 0 then greatest(1 - part.failures_of_worst_rule::float8 / part.rows, 0) end as share_passing_at_most
            from (
                select
                    watched.name,
                    coalesce(counter.rows, 0)::bigint as rows,
                    count(rule.rule_id) filter (where not rule.shadow) as rules,
                    coalesce(sum(rule.taken_as_failing) filter (where rule.class <> 'time'), 0)::bigint as failures,
                    coalesce(max(rule.taken_as_failing) filter (where rule.class <> 'time'), 0)::bigint as failures_of_worst_rule
                from audit.watched_table as watched
                left join audit.table_counter as counter
                    on counter.table_id = watched.table_id
                left join audit.rule_status as rule
                    on rule.table_id = watched.table_id
                    and ($2 is null or rule.owner = any ($2))
                    and ($3 is null or rule.severity = any ($3))
                where {TABLES}
                group by watched.table_id, watched.name, counter.rows
            ) as part
            order by share_passing_at_least nulls last, part.rows desc, part.name
            limit $8"
        ))
        .bind::<BigInt, _>(limit)
        .load(connection)?)
}

/// How many tables there are, and how many rows in them.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn table_totals(connection: &mut PgConnection, scope: &Scope) -> Result<TableTotals> {
    Ok(scope
        .query(&format!(
            "select count(*) as tables, coalesce(sum(counter.rows), 0)::bigint as rows
            from audit.watched_table as watched
            left join audit.table_counter as counter
                on counter.table_id = watched.table_id
            where {TABLES}"
        ))
        .get_result(connection)?)
}

/// How well rows were written in the first and in the second half of a window, for every table that was written to: to
/// tell whether it is getting better.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn write_quality(connection: &mut PgConnection, scope: &Scope) -> Result<Vec<WriteQuality>> {
    let middle = scope.window.from + (scope.window.to - scope.window.from) / 2;
    Ok(scope
        .query(
            "select
                part.name,
                coalesce(sum(part.checked) filter (where part.hour < $8), 0)::bigint as checked_before,
                coalesce(sum(part.failed) filter (where part.hour < $8), 0)::bigint as failed_before,
                coalesce(sum(part.checked) filter (where part.hour >= $8), 0)::bigint as checked_after,
                coalesce(sum(part.failed) filter (where part.hour >= $8), 0)::bigint as failed_after
            from (
                select change.table_name as name, change.hour, change.rows as checked, 0 as failed
                from audit.change_by_hour as change
                where change.op in ('I', 'U')
                    and change.hour >= $4
                    and change.hour < $5
                    and ($1 is null or change.table_id = any ($1))
                union all
                select failure.table_name, failure.hour, 0, failure.failed
                from audit.failure_by_hour as failure
                -- Of a time-driven rule groups fail, which nobody wrote.
                where failure.class <> 'time'
                    and failure.hour >= $4
                    and failure.hour < $5
                    and ($1 is null or failure.table_id = any ($1))
                    and ($2 is null or failure.owner = any ($2))
                    and ($3 is null or failure.severity = any ($3))
            ) as part
            group by part.name
            order by part.name",
        )
        .bind::<Timestamptz, _>(middle)
        .load(connection)?)
}
