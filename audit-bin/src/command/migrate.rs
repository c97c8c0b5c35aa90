//! `audit migrate`: what was installed.

use audit_schema::MigrationReport;

use crate::command::{Format, FormatOption, Output, json};
use crate::session::Session;
use crate::terminal::Style;

/// Installs the pipeline, or brings it up to date.
///
/// # Errors
/// If the database is not one that it can be installed in.
pub fn run(session: &Session, options: FormatOption) -> anyhow::Result<Output> {
    let report = audit_schema::migrate(&mut session.connect_to_any()?)?;
    Ok(match options.format {
        Format::Text => render(&report, session.style()).into(),
        Format::Json => json(&report)?.into(),
    })
}

/// Says what was done.
pub fn render(report: &MigrationReport, style: Style) -> String {
    if !report.changed() {
        return style.good("✓ up to date") + "\n";
    }
    let mut lines: Vec<String> = report
        .migrations
        .iter()
        .map(|name| style.good(&format!("✓ {name}")))
        .collect();
    if report.source_applied {
        lines.push(style.good("✓ functions and views"));
    }
    lines.join("\n") + "\n"
}
