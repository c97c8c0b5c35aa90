//! `audit history TABLE KEY`: the versions of one row, oldest first.

use anyhow::bail;
use audit_core::{Op, RowChange};
use clap::Args;
use diesel::PgConnection;
use serde_json::{Map, Value};

use crate::cells;
use crate::command::{Format, Output, json, watched};
use crate::terminal::{Columns, Painted, Style, Tone, count};

/// The options of `audit history`.
#[derive(Debug, Args)]
pub struct HistoryOptions {
    /// The table, as schema.table or table
    table: String,
    /// The primary key of the row; a json array if it has several columns
    key: String,
    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Reads and shows the versions of a row.
///
/// # Errors
/// If the table is not watched or its rows have no key.
pub fn run(
    connection: &mut PgConnection,
    options: &HistoryOptions,
    style: Style,
) -> anyhow::Result<Output> {
    let HistoryOptions { table, key, format } = options;
    let watched = watched(connection, table)?;
    if !watched.has_key {
        bail!(
            "the rows of `{}` cannot be told apart: it has no primary key",
            watched.name
        );
    }
    let versions = audit_schema::history(connection, &watched.name, key)?;
    if versions.is_empty() {
        let begins = watched.kept_from.map_or_else(String::new, |kept_from| {
            format!("; the log begins at {}", style.time(kept_from))
        });
        bail!(
            "nothing is logged of `{}` with the key `{key}`{begins}",
            watched.name
        );
    }
    let begins = watched.kept_from.map_or_else(String::new, |kept_from| {
        format!(
            "{}\n\n",
            style.quiet(&format!(
                "the log begins at {}; retention dropped what was before",
                style.time(kept_from)
            ))
        )
    });
    Ok(match format {
        Format::Text => (begins + &render(&watched.name, key, &versions, style)).into(),
        Format::Json => json(&versions)?.into(),
    })
}

/// Shows versions as a person reads them: for an update what became different, for the rest the row.
pub fn render(table: &str, key: &str, versions: &[RowChange], style: Style) -> String {
    let mut parts = vec![style.bold(&format!("{table} {key}"))];
    for version in versions {
        let mut about = vec![format!("by {}", version.author.name())];
        about.extend(
            version
                .author
                .request_id
                .iter()
                .map(|request| format!("request {request}")),
        );
        about.extend(
            version
                .cause
                .iter()
                .map(|cause| format!("because of {cause}")),
        );
        about.push(format!("transaction {}", version.xid));
        about.push(version.lsn.clone());
        about.push(
            if version.sealed {
                "sealed"
            } else {
                "not sealed yet"
            }
            .to_owned(),
        );
        let what = match version.op {
            Op::Insert => "inserted",
            Op::Update => "updated",
            Op::Delete => "deleted",
            Op::Truncate => "truncated",
        };
        let what = match (&version.old_key, &version.key) {
            (Some(old), Some(new)) => format!("{what} {old} → {new}"),
            _ => what.to_owned(),
        };
        let heading = format!(
            "{}  {}  {}",
            style.time(version.time()),
            style.bold(&what),
            style.quiet(&about.join(" · "))
        );
        parts.push(format!("{heading}\n{}", values(version, style)));
    }
    let last = style.bold(&count(
        i64::try_from(versions.len()).unwrap_or(i64::MAX),
        "version",
    ));
    parts.push(last);
    parts.join("\n\n") + "\n"
}

fn values(version: &RowChange, style: Style) -> String {
    let (old, new) = (
        version.old.clone().unwrap_or_default(),
        version.new.clone().unwrap_or_default(),
    );
    if version.op == Op::Update {
        let mut columns = Columns::new(style, &["  column", "before", "after"]);
        for (column, after) in new
            .iter()
            .filter(|(column, after)| old.get(*column) != Some(*after))
        {
            columns.row(cells![
                format!("  {column}"),
                Painted::new(text(old.get(column)), Tone::Quiet),
                text(Some(after)),
            ]);
        }
        return if columns.is_empty() {
            "  no logged column changed".to_owned()
        } else {
            columns.render()
        };
    }
    wrap(if version.op == Op::Delete { &old } else { &new })
}

/// The fields of a row, several on a line.
fn wrap(row: &Map<String, Value>) -> String {
    let mut lines = vec![String::from(" ")];
    for (column, value) in row {
        let field = format!(" {column} {}", text(Some(value)));
        match lines.last_mut() {
            Some(line) if line.chars().count() + field.chars().count() <= 96 => {
                if line.len() > 1 {
                    line.push_str(" ·");
                }
                line.push_str(&field);
            }
            _ => lines.push(format!(" {field}")),
        }
    }
    lines.join("\n")
}

fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "–".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
