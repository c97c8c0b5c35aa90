//! `audit migrate`: what was installed.

use audit_schema::MigrationReport;

use crate::terminal::Style;

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
