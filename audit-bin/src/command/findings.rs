//! `audit findings`: what failed, newest first.

use std::collections::BTreeSet;

use audit_core::{Action, Finding, Severity};
use audit_schema::finding::{self, Filter, RejectedRule};
use clap::Args;
use diesel::PgConnection;
use serde_json::Value;

use crate::cells;
use crate::command::{Format, Output, json};
use crate::terminal::{Columns, Painted, Style, Tone, count, number, shorten, table_name};

/// The options of `audit findings`.
#[derive(Debug, Args)]
pub struct FindingsOptions {
    /// Only of this table
    #[arg(long)]
    table: Option<String>,
    /// Only of the rule with this name
    #[arg(long)]
    rule: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 20, value_name = "COUNT")]
    limit: i64,
    /// Show the statements that were refused, as far as their evidence was kept
    #[arg(long)]
    rejected: bool,
    /// How they are written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Reads and shows what failed.
///
/// # Errors
/// If it may not be read.
pub fn run(
    connection: &mut PgConnection,
    options: FindingsOptions,
    style: Style,
) -> anyhow::Result<Output> {
    let filter = Filter {
        table: options.table,
        rule: options.rule,
        limit: options.limit,
    };
    if options.rejected {
        let rejected = finding::rejections(connection, &filter)?;
        return Ok(match options.format {
            Format::Text => render_rejected(&rejected, style).into(),
            Format::Json => json(&rejected)?.into(),
        });
    }
    let findings = finding::findings(connection, &filter)?;
    Ok(match options.format {
        Format::Text => render(&findings, style).into(),
        Format::Json => json(&findings)?.into(),
    })
}

/// What a line says, of a finding as of a rejection.
const COLUMNS: [&str; 9] = [
    "when",
    "severity",
    "table",
    "rule",
    ">failed",
    ">of",
    "key",
    "example",
    "written by",
];

/// Shows findings as a person reads them.
pub fn render(findings: &[Finding], style: Style) -> String {
    if findings.is_empty() {
        return style.good("✓ no finding") + "\n";
    }
    let mut columns = Columns::new(style, &COLUMNS);
    for finding in findings {
        columns.row(cells![
            style.time(finding.time()),
            Painted::severity(finding.severity.name()),
            table_name(&finding.table),
            match finding.action {
                _ if finding.shadow => format!("{} (shadow)", finding.rule),
                Action::Quarantine => format!("{} (set aside)", finding.rule),
                _ => finding.rule.clone(),
            },
            number(finding.new_failed),
            // Of a time-driven rule a group fails, whoever writes.
            finding.op.map(|_| number(finding.rows)).unwrap_or_default(),
            keys(&finding.keys),
            match &finding.error {
                Some(error) => Painted::new(shorten(error, 40), Tone::Severity(Severity::Critical)),
                // What was found, in words, of a rule that nobody's write failed.
                None if finding.op.is_none() => finding
                    .samples
                    .first()
                    .and_then(|sample| sample["found"].as_str())
                    .map(|found| shorten(found, 44))
                    .unwrap_or_default()
                    .into(),
                // The values of the first failing row: `air_time -12`.
                None => finding
                    .samples
                    .first()
                    .map(values)
                    .unwrap_or_default()
                    .into(),
            },
            match finding.op {
                Some(_) => finding.author.name(),
                None => "nobody: time passed",
            },
        ]);
    }
    let failed = findings
        .iter()
        .filter(|finding| finding.op.is_some())
        .map(|finding| finding.new_failed)
        .sum();
    let shown = count(i64::try_from(findings.len()).unwrap_or(i64::MAX), "finding");
    format!(
        "{}\n\n{}\n",
        columns.render(),
        style.bold(&format!("{shown} shown · {}", count(failed, "row"))),
    )
}

/// Shows refused statements as a person reads them, one line for each rule that refused.
pub fn render_rejected(rejected: &[RejectedRule], style: Style) -> String {
    if rejected.is_empty() {
        return style.good("✓ no evidence of a rejection") + "\n";
    }
    let mut columns = Columns::new(style, &COLUMNS);
    for refused in rejected {
        let rule = &refused.rejected;
        columns.row(cells![
            style.time(refused.at),
            Painted::severity(rule.severity.as_deref().unwrap_or("normal")),
            table_name(&refused.table),
            rule.rule.clone(),
            number(rule.rows),
            number(refused.written),
            keys(&rule.keys),
            match &rule.error {
                Some(error) => Painted::new(shorten(error, 40), Tone::Severity(Severity::Critical)),
                None => rule.samples.first().map(values).unwrap_or_default().into(),
            },
            refused.author.name(),
        ]);
    }
    let statements: BTreeSet<&str> = rejected
        .iter()
        .map(|refused| refused.rejection_id.as_str())
        .collect();
    let shown = count(
        i64::try_from(statements.len()).unwrap_or(i64::MAX),
        "refused statement",
    );
    format!(
        "{}\n\n{}\n",
        columns.render(),
        style.bold(&format!("{shown} shown"))
    )
}

/// The first key, and how many more there are.
fn keys(keys: &[String]) -> String {
    match keys {
        [] => String::new(),
        [only] => only.clone(),
        [first, rest @ ..] => format!("{first} +{}", rest.len()),
    }
}

/// The fields of a row in a few words.
pub fn values(row: &Value) -> String {
    let Some(fields) = row.as_object() else {
        return shorten(&row.to_string(), 40);
    };
    let words: Vec<String> = fields
        .iter()
        .map(|(name, value)| match value {
            Value::Null => format!("{name} missing"),
            Value::String(text) => format!("{name} {text}"),
            other => format!("{name} {other}"),
        })
        .collect();
    shorten(&words.join(", "), 44)
}
