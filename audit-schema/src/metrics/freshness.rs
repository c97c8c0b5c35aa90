//! Since when tables are silent.

use audit_core::Severity;
use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Double, Nullable, Text, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;

use super::{Scope, severity};
use crate::Result;

/// How old the newest of something is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Freshness {
    /// Schema and name of the table.
    pub table: String,
    /// The rule that says how old it may be; `None` for a table without one.
    pub rule: Option<String>,
    /// The group of the rule, in words; empty without groups.
    pub group: String,
    /// How bad it is when it is too old.
    pub severity: Option<Severity>,
    /// Who has to see to it.
    pub owner: String,
    /// The newest change, or the newest value of a column; `None` if there is none.
    pub newest: Option<DateTime<Utc>>,
    /// How old it is, in seconds, of which only those count that the rule counts.
    pub seconds: Option<f64>,
    /// How old it may be, in seconds.
    pub limit: Option<f64>,
    /// How many there are in all.
    pub entries: i64,
    /// How many of them are older than they may be.
    pub too_old: i64,
}

/// How old the newest change of each table is, and the newest values that rules of the kind `fresh` look at: those that
/// take up most of their limit first, then tables without such a rule, the longest silent first; at most `limit`.
///
/// The newest value of a column is the one that the tick found last; reading it anew would read the table.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn freshness(
    connection: &mut PgConnection,
    scope: &Scope,
    as_of: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Freshness>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        table_name: String,
        #[diesel(sql_type = Nullable<Text>)]
        rule: Option<String>,
        #[diesel(sql_type = Text)]
        group_name: String,
        #[diesel(sql_type = Nullable<Text>)]
        severity: Option<String>,
        #[diesel(sql_type = Text)]
        owner: String,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        newest: Option<DateTime<Utc>>,
        #[diesel(sql_type = Nullable<Double>)]
        seconds: Option<f64>,
        #[diesel(sql_type = Nullable<Double>)]
        within: Option<f64>,
        #[diesel(sql_type = BigInt)]
        entries: i64,
        #[diesel(sql_type = BigInt)]
        too_old: i64,
    }
    let rows: Vec<Row> = scope
        .query(
            "with fresh as (
                select
                    rule.table_id,
                    rule.name as rule,
                    rule.severity,
                    nullif(rule.owner, '') as owner,
                    rule.definition ->> 'during' as during,
                    extract(epoch from (rule.definition ->> 'within')::interval)::float8 as within,
                    rule.definition ->> 'column' is null as of_table,
                    coalesce(
                        (select string_agg(coalesce(part.value, 'null'), ', ' order by part.key) from jsonb_each_text(state.group_values) as part),
                        ''
                    ) as group_name,
                    -- The value is written by the question itself, always in this form.
                    case when state.value like '% UTC' then left(state.value, 19)::timestamp at time zone 'UTC' end as found
                from audit.rule as rule
                left join audit.time_rule_state as state
                    on state.rule_id = rule.rule_id
                where rule.kind = 'fresh'
                    and rule.retired_at is null
            ), entry as (
                select
                    watched.name as table_name,
                    fresh.rule,
                    coalesce(fresh.group_name, '') as group_name,
                    fresh.severity,
                    coalesce(fresh.owner, watched.owner) as owner,
                    case
                        when coalesce(fresh.of_table, true) then coalesce(counter.written_at, watched.watched_at)
                        else fresh.found
                    end as newest,
                    fresh.during,
                    fresh.within
                from audit.watched_table as watched
                left join audit.table_counter as counter
                    on counter.table_id = watched.table_id
                left join fresh
                    on fresh.table_id = watched.table_id
                where watched.unwatched_at is null
                    and ($1 is null or watched.table_id = any ($1))
                    and ($2 is null or coalesce(fresh.owner, watched.owner) = any ($2))
                    and ($3 is null or fresh.severity = any ($3))
            ), aged as (
                select
                    entry.*,
                    greatest(extract(epoch from audit._time_within(entry.newest, $8, entry.during))::float8, 0) as seconds
                from entry
            )
            select
                aged.table_name,
                aged.rule,
                aged.group_name,
                aged.severity,
                aged.owner,
                aged.newest,
                aged.seconds,
                aged.within,
                count(*) over () as entries,
                count(*) filter (where aged.seconds > aged.within) over () as too_old
            from aged
            order by
                aged.rule is null,
                aged.seconds / nullif(aged.within, 0) desc nulls last,
                aged.seconds desc nulls last,
                aged.table_name,
                aged.rule,
                aged.group_name
            limit $9",
        )
        .bind::<Timestamptz, _>(as_of)
        .bind::<BigInt, _>(limit)
        .load(connection)?;
    rows.into_iter()
        .map(|row| {
            Ok(Freshness {
                table: row.table_name,
                rule: row.rule,
                group: row.group_name,
                severity: row.severity.as_deref().map(severity).transpose()?,
                owner: row.owner,
                newest: row.newest,
                seconds: row.seconds,
                limit: row.within,
                entries: row.entries,
                too_old: row.too_old,
            })
        })
        .collect()
}
