//! `audit tick`: what `audit-notify` does, without delivering anything.

use anyhow::Context;
use audit_schema::TickReport;
use chrono::Utc;
use diesel::PgConnection;

use crate::command::{Format, FormatOption, Output, json};
use crate::terminal::count;

/// Ticks once.
///
/// # Errors
/// If the tick fails.
pub fn run(connection: &mut PgConnection, options: FormatOption) -> anyhow::Result<Output> {
    let report = audit_schema::tick(connection, Utc::now()).context("the tick failed")?;
    Ok(match options.format {
        Format::Text => render(&report).into(),
        Format::Json => json(&report)?.into(),
    })
}

fn render(report: &TickReport) -> String {
    format!(
        "{} moved, {} to tell\n",
        count(report.moved, "log row"),
        report.notices.len()
    )
}
