//! The service that writes: it replays flights and weather as a stream of transactions.
//!
//! It stands for an application that knows nothing of the pipeline but how to say on whose behalf it writes. Its role
//! has no right on the schema `audit`. Its SQL is in `examples/flights/replay/`.

use std::time::Duration;

use anyhow::{Context, anyhow};
use audit_schema::Error;
use audit_schema::context::{self, Context as WriterContext};
use chrono::{DateTime, Utc};
use diesel::sql_types::{Json, Jsonb, Text};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};
use serde_json::Value;

use super::data::{Hour, MadeUp, Outcome, REFERENCE_TABLES};

const INSERT_WEATHER: &str = include_str!("../../../examples/flights/replay/insert_weather.sql");
const INSERT_FLIGHTS: &str = include_str!("../../../examples/flights/replay/insert_flights.sql");
const COPY_FLIGHT: &str = include_str!("../../../examples/flights/replay/copy_flight.sql");
const UPDATE_FLIGHT: &str = include_str!("../../../examples/flights/replay/update_flight.sql");
const DELETE_FLIGHT: &str = include_str!("../../../examples/flights/replay/delete_flight.sql");
const OUTCOME: &str = include_str!("../../../examples/flights/replay/outcome.sql");

/// How much was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Transactions that were committed.
    pub transactions: i64,
    /// Rows of `flights`.
    pub flights: i64,
    /// Rows of `weather`.
    pub weather: i64,
}

impl Written {
    /// Rows in all.
    pub fn rows(&self) -> i64 {
        self.flights + self.weather
    }

    /// Rows per second, if writing them took so long.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a rate that is shown rounded"
    )]
    pub fn rate(&self, took: Duration) -> i64 {
        (self.rows() as f64 / took.as_secs_f64().max(0.001)).round() as i64
    }
}

impl std::ops::AddAssign for Written {
    fn add_assign(&mut self, other: Self) {
        self.transactions += other.transactions;
        self.flights += other.flights;
        self.weather += other.weather;
    }
}

/// What became of a made-up write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What became of the row.
    pub outcome: Outcome,
    /// The row, if it was written.
    pub key: Option<String>,
    /// What the database said, if it refused.
    pub message: Option<String>,
}

/// Writes what the airports report about one hour: one transaction for each airport.
///
/// # Errors
/// If a statement fails. None of the real rows is rejected by the policy of the demo.
pub fn write_hour(
    connection: &mut PgConnection,
    time: DateTime<Utc>,
    hour: Hour,
) -> anyhow::Result<Written> {
    let mut written = Written::default();
    for (airport, report) in hour {
        connection
            .transaction(|connection| {
                set_context(connection, &format!("{airport} feed"), &airport, time)?;
                written.weather += insert(connection, INSERT_WEATHER, report.weather)?;
                written.flights += insert(connection, INSERT_FLIGHTS, report.flights)?;
                Ok::<_, Error>(())
            })
            .with_context(|| format!("could not write the hour {time} of {airport}"))?;
        written.transactions += 1;
    }
    Ok(written)
}

/// Loads the tables that hardly ever change: carriers, airports, aircraft. Returns the rows of each.
///
/// # Errors
/// If a statement fails.
pub fn load_reference_tables(
    connection: &mut PgConnection,
    time: DateTime<Utc>,
) -> anyhow::Result<Vec<(&'static str, i64)>> {
    let mut loaded = Vec::new();
    for table in REFERENCE_TABLES {
        let rows = table.rows()?;
        let count = connection
            .transaction(|connection| {
                set_context(connection, "reference data", table.name, time)?;
                Ok::<_, Error>(insert(connection, table.insert, rows)?)
            })
            .with_context(|| format!("could not load `{}`", table.name))?;
        loaded.push((table.name, count));
    }
    Ok(loaded)
}

fn insert(
    connection: &mut PgConnection,
    statement: &str,
    rows: Vec<Value>,
) -> diesel::QueryResult<i64> {
    if rows.is_empty() {
        return Ok(0);
    }
    let count = diesel::sql_query(statement)
        .bind::<Json, _>(Value::Array(rows))
        .execute(connection)?;
    Ok(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Writes one made-up row through `writer`, and looks up through `reader` what became of it.
///
/// # Errors
/// If a statement fails for another reason than a rule, or the flight that the row is made from is not there.
pub fn write_made_up(
    writer: &mut PgConnection,
    reader: &mut PgConnection,
    made_up: &MadeUp,
) -> anyhow::Result<Told> {
    let result = writer.transaction(|connection| {
        set_context(connection, "made-up rows", "made-up", made_up.at)?;
        Ok::<_, Error>(write(connection, made_up)?)
    });
    match result {
        Ok(Some(row)) => {
            let outcome: OutcomeRow = diesel::sql_query(OUTCOME)
                .bind::<Text, _>(&row.xid)
                .get_result(reader)?;
            Ok(Told {
                outcome: Outcome::from_name(&outcome.outcome)
                    .with_context(|| format!("`{}` is no outcome", outcome.outcome))?,
                key: Some(row.key),
                message: None,
            })
        }
        Ok(None) => Err(anyhow!(
            "the flight that the made-up row `{}` is about is not there",
            made_up.made_up
        )),
        Err(Error::Refused { message, .. }) => Ok(Told {
            outcome: Outcome::Rejected,
            key: None,
            message: Some(message),
        }),
        Err(error) => Err(error)
            .with_context(|| format!("could not write the made-up row `{}`", made_up.made_up)),
    }
}

#[derive(QueryableByName)]
struct WrittenRow {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Text)]
    xid: String,
}

#[derive(QueryableByName)]
struct OutcomeRow {
    #[diesel(sql_type = Text)]
    outcome: String,
}

fn write(
    connection: &mut PgConnection,
    made_up: &MadeUp,
) -> diesel::QueryResult<Option<WrittenRow>> {
    let change = Value::Object(made_up.with.clone());
    let flight = |key: &serde_json::Map<String, Value>| Value::Object(key.clone());
    let rows: Vec<WrittenRow> = if let Some(original) = &made_up.copy_of {
        diesel::sql_query(COPY_FLIGHT)
            .bind::<Jsonb, _>(flight(original))
            .bind::<Jsonb, _>(change)
            .load(connection)?
    } else if let Some(original) = &made_up.update {
        diesel::sql_query(UPDATE_FLIGHT)
            .bind::<Jsonb, _>(flight(original))
            .bind::<Jsonb, _>(change)
            .load(connection)?
    } else if let Some(original) = &made_up.delete {
        diesel::sql_query(DELETE_FLIGHT)
            .bind::<Jsonb, _>(flight(original))
            .load(connection)?
    } else {
        Vec::new()
    };
    Ok(rows.into_iter().next())
}

fn set_context(
    connection: &mut PgConnection,
    actor: &str,
    feed: &str,
    time: DateTime<Utc>,
) -> audit_schema::Result<()> {
    let context = WriterContext {
        actor: Some(actor.to_owned()),
        request_id: Some(format!("{feed}/{}", time.format("%Y-%m-%dT%H:%MZ"))),
        occurred_at: Some(time),
    };
    context::set(connection, &context)
}
