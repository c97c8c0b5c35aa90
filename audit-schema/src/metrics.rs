//! Figures for reports: read from counters, hourly activities, alerts and the outbox through the views below
//! `sql/views`. Nothing here reads the packed log or a watched table, so the time it takes does not grow with either.
//!
//! Times are those of the writer (`occurred_at`, where one was given), hours and days begin where the time zone of the
//! [`Window`] has them. Every function fails if the pipeline is not installed or may not be read.

mod activity;
mod alert;
mod delivery;
mod failure;
mod freshness;
mod pipeline;
mod quality;
mod quarantine;
mod rule;
mod rule_history;
mod summary;

use audit_core::Severity;
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};

pub use activity::{
    Activity, ActorStep, ChangeStep, Writer, activity, changes, changes_by_actor, writers,
};
pub use alert::{
    AlertSpan, AlertTotals, Lengths, OpenAlerts, Response, alert_totals, alerts, open_alerts,
    responses,
};
pub use delivery::{ChannelDeliveries, DeliveryStep, channel_deliveries, delivery_steps};
pub use failure::{FailureHour, FailureStep, failures, failures_by_hour_of_week};
pub use freshness::{Freshness, freshness};
pub use pipeline::{PipelineStatus, pipeline, time_zone};
pub use quality::{TableQuality, TableTotals, WriteQuality, quality, table_totals, write_quality};
pub use quarantine::{Quarantine, QuarantineAge, quarantine, quarantine_ages};
pub use rule::{RuleStatus, RuleTotals, Unfixed, failing_rules, rule_totals, unfixed};
pub use rule_history::{RuleRecord, RuleStep, failures_by_rule, pass_rates, rule_steps};
pub use summary::{
    BUCKETS, SummaryMeasure, SummaryPoint, SummaryShape, summaries, summary, summary_points,
};

use crate::{Error, Result};

/// What figures are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The stretch of time.
    pub window: Window,
    /// The tables, owners and severities.
    pub filter: Filter,
}

/// A stretch of time, cut into steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Its first moment.
    pub from: DateTime<Utc>,
    /// The first moment after it.
    pub to: DateTime<Utc>,
    /// The time zone in which steps begin, by its name in the IANA database.
    pub time_zone: String,
    /// The width of a step.
    pub step: Step,
}

/// Which tables, rules and alerts figures are about. What is `None` leaves nothing out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Numbers of watched tables, as [`table_ids`] finds them.
    pub tables: Option<Vec<i32>>,
    /// Whoever has to put right what fails: the owner of the rule, or else of its table.
    pub owners: Option<Vec<String>>,
    /// How bad a failure is. What was written has no severity, and is never left out for one.
    pub severities: Option<Vec<Severity>>,
}

/// The width of a step of a [`Window`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A week, from Monday on.
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
}

impl Step {
    /// Its name for PostgreSQL's `date_trunc`.
    fn name(self) -> &'static str {
        match self {
            Step::Hour => "hour",
            Step::Day => "day",
            Step::Week => "week",
            Step::Month => "month",
            Step::Year => "year",
        }
    }
}

/// A query with the parameters of a scope.
type Query<'q> = BoxedSqlQuery<'q, Pg, SqlQuery>;

impl Scope {
    /// A query over what the scope is about. Its parameters are, in all of them: $1 tables, $2 owners, $3 severities,
    /// each null for all; $4 and $5 the first moment and the first after the window; $6 the time zone; $7 the width of
    /// a step. What a query needs beside them begins with $8.
    fn query<'q>(&'q self, text: &str) -> Query<'q> {
        let severities = self.filter.severities.as_ref().map(|severities| {
            severities
                .iter()
                .map(|severity| severity.name())
                .collect::<Vec<_>>()
        });
        diesel::sql_query(text)
            .into_boxed()
            .bind::<Nullable<Array<Integer>>, _>(&self.filter.tables)
            .bind::<Nullable<Array<Text>>, _>(&self.filter.owners)
            .bind::<Nullable<Array<Text>>, _>(severities)
            .bind::<Timestamptz, _>(self.window.from)
            .bind::<Timestamptz, _>(self.window.to)
            .bind::<Text, _>(&self.window.time_zone)
            .bind::<Text, _>(self.window.step.name())
    }
}

/// The numbers of watched tables by their names, as `schema.table`, or as `table` for any schema. Tables that are no
/// longer watched are found too.
///
/// # Errors
/// [`Error::NotWatched`] if a name is of no table that is or was watched.
pub fn table_ids(connection: &mut PgConnection, names: &[String]) -> Result<Vec<i32>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        place: i64,
        #[diesel(sql_type = Integer)]
        table_id: i32,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "select wanted.place, watched.table_id
        from unnest($1::text[]) with ordinality as wanted (name, place)
        join audit.watched_table as watched
            on wanted.name in (watched.name, substring(watched.name from position('.' in watched.name) + 1))
        order by watched.table_id",
    )
    .bind::<Array<Text>, _>(names)
    .load(connection)?;
    for (name, place) in names.iter().zip(1..) {
        if !rows.iter().any(|row| row.place == place) {
            return Err(Error::NotWatched { name: name.clone() });
        }
    }
    Ok(rows.into_iter().map(|row| row.table_id).collect())
}

/// Runs a function in one snapshot, so that all figures it reads fit together. Inside of an open transaction it uses
/// that one, whatever its isolation.
///
/// # Errors
/// What the function returns, or that no transaction could be opened.
pub fn in_one_snapshot<T, E>(
    connection: &mut PgConnection,
    read: impl FnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E>
where
    E: From<diesel::result::Error>,
{
    use diesel::connection::TransactionManager;
    let open = <PgConnection as Connection>::TransactionManager::transaction_manager_status_mut(
        connection,
    )
    .transaction_depth()?
    .is_some();
    if open {
        connection.transaction(read)
    } else {
        connection
            .build_transaction()
            .repeatable_read()
            .read_only()
            .run(|connection| {
                // The estimates for views of views are high, the rows are few: compiling would take longer than running.
                diesel::sql_query("set local jit = off").execute(connection)?;
                read(connection)
            })
    }
}

/// The expression of an array with one entry for each class between so many limits: `width_bucket` numbers them from 0.
fn classes(limits: usize, entry: impl Fn(usize) -> String) -> String {
    let entries: Vec<String> = (0..=limits).map(entry).collect();
    format!("array[{}]", entries.join(", "))
}

fn severity(name: &str) -> Result<Severity> {
    name.parse().map_err(Error::unreadable)
}
