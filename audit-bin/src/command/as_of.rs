//! `audit as-of TABLE TIME`: a table as it was.

use anyhow::Context;
use audit_schema::AsOf;
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use clap::Args;
use diesel::PgConnection;

use crate::command::{Output, watched};
use crate::terminal::{Columns, Painted, Style, Tone, count};

/// How rows are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Columns for people
    #[default]
    Table,
    /// One json object a line
    Json,
    /// Comma-separated values with a line of headings; null is empty
    Csv,
}

/// The options of `audit as-of`.
#[derive(Debug, Args)]
pub struct AsOfOptions {
    /// The table, as schema.table or table
    table: String,
    /// For example 2026-01-31, "2026-01-31 18:00" (in the time zone shown) or 2026-01-31T18:00:00Z
    time: String,
    /// Only the row with this primary key; a json array if it has several columns
    #[arg(long)]
    key: Option<String>,
    /// How the rows are written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Reads and shows the rows that a table had.
///
/// # Errors
/// If the table is not watched, or the log does not tell how it was then.
pub fn run(
    connection: &mut PgConnection,
    options: &AsOfOptions,
    style: Style,
) -> anyhow::Result<Output> {
    let table = &options.table;
    let at = time(&options.time, style.zone)?;
    let watched = watched(connection, table)?;
    let rows = audit_schema::as_of(connection, &watched.name, at, options.key.as_deref())?;
    Ok(match options.format {
        Format::Table => render(&watched.name, at, &rows, style),
        Format::Json => rows
            .rows
            .iter()
            .map(|row| format!("{}\n", row.json))
            .collect(),
        Format::Csv => csv(&rows)?,
    }
    .into())
}

/// A time as a person writes it: a date, a date and a time of day in the zone, or with an offset of its own.
///
/// ```
/// use audit_bin::command::as_of::time;
/// let zone = chrono_tz::America::New_York;
/// assert_eq!(time("2013-02-08", zone).unwrap().to_string(), "2013-02-08 05:00:00 UTC");
/// assert_eq!(time("2013-02-08 17:30", zone).unwrap().to_string(), "2013-02-08 22:30:00 UTC");
/// assert_eq!(time("2013-02-08T17:30:00Z", zone).unwrap().to_string(), "2013-02-08 17:30:00 UTC");
/// assert!(time("yesterday", zone).is_err());
/// ```
///
/// # Errors
/// If it is none of these.
pub fn time(text: &str, zone: Tz) -> anyhow::Result<DateTime<Utc>> {
    let text = text.trim();
    for format in ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z"] {
        if let Ok(time) = DateTime::parse_from_str(text, format) {
            return Ok(time.to_utc());
        }
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    let local = [
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M",
    ]
    .iter()
    .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
    .or_else(|| {
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()?
            .and_hms_opt(0, 0, 0)
    })
    .with_context(|| {
        format!("`{text}` is not a time; write it like 2026-01-31 or \"2026-01-31 18:00\"")
    })?;
    // An hour that comes twice is the first one.
    let time = zone
        .from_local_datetime(&local)
        .earliest()
        .with_context(|| format!("there is no `{text}` in {zone}: clocks are put forward then"))?;
    Ok(time.to_utc())
}

/// Shows rows as a person reads them.
pub fn render(table: &str, at: DateTime<Utc>, as_of: &AsOf, style: Style) -> String {
    let mut heading = style.bold(&format!("{table} as of {}", style.time(at)));
    if !as_of.unknown.is_empty() {
        let unknown = format!("not in the log: {}", as_of.unknown.join(", "));
        heading = format!("{heading}\n{}", style.quiet(&unknown));
    }
    let last = style.bold(&count(
        i64::try_from(as_of.rows.len()).unwrap_or(i64::MAX),
        "row",
    ));
    if as_of.rows.is_empty() {
        return format!("{heading}\n\n{last}\n");
    }
    // Numbers stand to the right.
    let headings: Vec<String> = as_of
        .columns
        .iter()
        .enumerate()
        .map(|(place, column)| {
            let mut values = as_of
                .rows
                .iter()
                .filter_map(|row| row.values[place].as_ref());
            let numbers = values.all(|value| value.parse::<f64>().is_ok());
            format!("{}{column}", if numbers { ">" } else { "" })
        })
        .collect();
    let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
    let mut columns = Columns::new(style, &headings);
    for row in &as_of.rows {
        columns.row(row.values.iter().map(|value| match value {
            None => Painted::new("–", Tone::Quiet),
            Some(text) => text.as_str().into(),
        }));
    }
    format!("{heading}\n\n{}\n\n{last}\n", columns.render())
}

fn csv(as_of: &AsOf) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&as_of.columns)?;
    for row in &as_of.rows {
        writer.write_record(
            row.values
                .iter()
                .map(|value| value.as_deref().unwrap_or_default()),
        )?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}
