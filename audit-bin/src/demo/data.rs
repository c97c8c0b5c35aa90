//! The data of the demo, carried inside the program: five real tables and a short list of made-up bad rows.

use std::collections::BTreeMap;
use std::io::Read;

use anyhow::Context;
use chrono::{DateTime, TimeZone, Utc};
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The tables of the demo, as SQL.
pub const SCHEMA: &str = include_str!("../../../examples/flights/schema.sql");
/// The policy of the demo.
pub const POLICY: &str = include_str!("../../../examples/flights/audit.yml");
/// The name under which the policy is shown in messages.
pub const POLICY_FILE: &str = "examples/flights/audit.yml";

const MADE_UP: &str = include_str!("../../../examples/flights/data/made-up-bad-rows.yml");

/// A table that is loaded in one go before the replay begins.
#[derive(Debug)]
pub struct ReferenceTable {
    /// Its name in the schema `public`.
    pub name: &'static str,
    /// The statement that loads it from a json array of rows.
    pub insert: &'static str,
    compressed: &'static [u8],
}

/// Carriers, airports and aircraft.
pub const REFERENCE_TABLES: [ReferenceTable; 3] = [
    ReferenceTable {
        name: "airlines",
        insert: include_str!("../../../examples/flights/replay/insert_airlines.sql"),
        compressed: include_bytes!("../../../examples/flights/data/airlines.csv.gz"),
    },
    ReferenceTable {
        name: "airports",
        insert: include_str!("../../../examples/flights/replay/insert_airports.sql"),
        compressed: include_bytes!("../../../examples/flights/data/airports.csv.gz"),
    },
    ReferenceTable {
        name: "planes",
        insert: include_str!("../../../examples/flights/replay/insert_planes.sql"),
        compressed: include_bytes!("../../../examples/flights/data/planes.csv.gz"),
    },
];

impl ReferenceTable {
    /// All rows of the table.
    ///
    /// # Errors
    /// If the file inside the program is damaged.
    pub fn rows(&self) -> anyhow::Result<Vec<Value>> {
        rows(self.compressed).with_context(|| format!("could not read the rows of `{}`", self.name))
    }
}

/// What one airport reports about one hour.
#[derive(Debug, Default)]
pub struct Report {
    /// Its weather: one row, or none if the station was silent.
    pub weather: Vec<Value>,
    /// Its scheduled departures.
    pub flights: Vec<Value>,
}

/// The reports of one hour, by airport.
pub type Hour = BTreeMap<String, Report>;

/// The flights and the weather from `from` (inclusive) to `to` (exclusive), by the hour they belong to.
///
/// # Errors
/// If a file inside the program is damaged.
pub fn hours(
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> anyhow::Result<BTreeMap<DateTime<Utc>, Hour>> {
    let mut hours: BTreeMap<DateTime<Utc>, Hour> = BTreeMap::new();
    let mut sort =
        |rows: Vec<Value>, list: fn(&mut Report) -> &mut Vec<Value>| -> anyhow::Result<()> {
            for row in rows {
                let text = |column: &str| {
                    row[column]
                        .as_str()
                        .with_context(|| format!("a row has no `{column}`"))
                };
                let hour: DateTime<Utc> = text("time_hour")?
                    .parse()
                    .context("`time_hour` is not a time")?;
                if (from..to).contains(&hour) {
                    let airport = text("origin")?.to_owned();
                    list(hours.entry(hour).or_default().entry(airport).or_default()).push(row);
                }
            }
            Ok(())
        };
    let weather = rows(include_bytes!(
        "../../../examples/flights/data/weather.csv.gz"
    ))?;
    sort(weather, |report| &mut report.weather)?;
    let flights = rows(include_bytes!(
        "../../../examples/flights/data/flights.csv.gz"
    ))?;
    sort(flights, |report| &mut report.flights)?;
    Ok(hours)
}

/// Midnight in New York at the beginning of a day of 2013.
pub fn midnight(month: u32, day: u32) -> DateTime<Utc> {
    chrono_tz::America::New_York
        .with_ymd_and_hms(2013, month, day, 0, 0, 0)
        .single()
        .expect("no clock change happens in January or February")
        .with_timezone(&Utc)
}

/// One made-up write, as `made-up-bad-rows.yml` tells it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MadeUp {
    /// When it is written.
    pub at: DateTime<Utc>,
    /// What is wrong with it, in words.
    pub made_up: String,
    /// The flight to write a changed copy of.
    pub copy_of: Option<Map<String, Value>>,
    /// The flight to change.
    pub update: Option<Map<String, Value>>,
    /// The flight to delete.
    pub delete: Option<Map<String, Value>>,
    /// What is changed.
    #[serde(default)]
    pub with: Map<String, Value>,
    /// What should become of it.
    pub then: Outcome,
}

/// What becomes of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Written; no rule failed.
    Accepted,
    /// Written; a rule failed and says so.
    Flagged,
    /// An insert that was set aside.
    Quarantined,
    /// An update that was set aside: the last good version stays.
    Restored,
    /// The statement failed.
    Rejected,
}

impl Outcome {
    /// The outcome that goes by this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Accepted,
            Self::Flagged,
            Self::Quarantined,
            Self::Restored,
            Self::Rejected,
        ]
        .into_iter()
        .find(|outcome| outcome.name() == name)
    }

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Flagged => "flagged",
            Self::Quarantined => "quarantined",
            Self::Restored => "restored",
            Self::Rejected => "rejected",
        }
    }
}

/// The made-up writes in their order of time.
///
/// # Errors
/// If the list inside the program is not well formed.
pub fn made_up() -> anyhow::Result<Vec<MadeUp>> {
    let mut list: Vec<MadeUp> =
        serde_saphyr::from_str(MADE_UP).context("could not read the made-up rows")?;
    list.sort_by_key(|made_up| made_up.at);
    Ok(list)
}

/// Reads a compressed CSV file with a header into json rows. `NA` stands for a missing value, as in the source.
/// Values stay texts: PostgreSQL turns them into the types of the table's columns.
fn rows(compressed: &[u8]) -> anyhow::Result<Vec<Value>> {
    let mut text = String::new();
    GzDecoder::new(compressed).read_to_string(&mut text)?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let columns = reader.headers()?.clone();
    let mut rows = Vec::new();
    for record in reader.records() {
        let row: Map<String, Value> = columns
            .iter()
            .zip(&record?)
            .map(|(column, value)| {
                let value = if value == "NA" {
                    Value::Null
                } else {
                    Value::from(value)
                };
                (column.to_owned(), value)
            })
            .collect();
        rows.push(Value::Object(row));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_months_hold_every_flight_and_reading() {
        let hours = hours(midnight(1, 1), midnight(3, 1)).unwrap();
        let reports = || hours.values().flat_map(BTreeMap::values);
        assert_eq!(
            reports().map(|report| report.flights.len()).sum::<usize>(),
            51_955
        );
        assert_eq!(
            reports().map(|report| report.weather.len()).sum::<usize>(),
            4_236
        );
    }

    #[test]
    fn every_made_up_write_does_exactly_one_thing() {
        for made_up in made_up().unwrap() {
            let ways = [&made_up.copy_of, &made_up.update, &made_up.delete];
            assert_eq!(
                ways.iter().filter(|way| way.is_some()).count(),
                1,
                "{}",
                made_up.made_up
            );
        }
    }
}
