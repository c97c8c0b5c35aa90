//! `audit plan` and `audit apply`: what a policy would change, or has changed.

use std::path::PathBuf;

use audit_schema::plan::Plan;
use clap::Args;
use diesel::PgConnection;

use crate::command::{Format, Output, json, read_policy};
use crate::terminal::{Painted, Style, Tone};

/// The options of `audit plan`.
#[derive(Debug, Args)]
pub struct PlanOptions {
    /// The policy
    #[arg(default_value = "audit.yml", value_name = "POLICY")]
    policy: PathBuf,
    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The options of `audit apply`.
#[derive(Debug, Args)]
pub struct ApplyOptions {
    /// The policy
    #[arg(default_value = "audit.yml", value_name = "POLICY")]
    policy: PathBuf,
    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Shows what a policy would change.
///
/// # Errors
/// If the policy or the database can't be read, or they do not fit together.
pub fn plan(
    connection: &mut PgConnection,
    options: &PlanOptions,
    style: Style,
) -> anyhow::Result<Output> {
    let policy = read_policy(&options.policy)?;
    let plan = audit_schema::plan(connection, &policy)?;
    shown(&plan, false, options.format, style)
}

/// Applies a policy, and shows what that changed.
///
/// # Errors
/// As [`plan`]; then nothing was applied.
pub fn apply(
    connection: &mut PgConnection,
    options: &ApplyOptions,
    style: Style,
) -> anyhow::Result<Output> {
    let policy = read_policy(&options.policy)?;
    let plan = audit_schema::apply(connection, &policy)?;
    shown(&plan, true, options.format, style)
}

fn shown(plan: &Plan, applied: bool, format: Format, style: Style) -> anyhow::Result<Output> {
    Ok(match format {
        Format::Text => render(plan, applied, style).into(),
        Format::Json => json(plan)?.into(),
    })
}

/// Shows a plan: green what is new, yellow what becomes different, red what goes.
pub fn render(plan: &Plan, applied: bool, style: Style) -> String {
    let mut text = String::new();
    for line in plan.to_string().lines() {
        let tone = match line.trim_start().chars().next() {
            Some('+') => Some(Tone::Good),
            Some('~' | '!') => Some(Tone::Severity(audit_core::Severity::Important)),
            Some('-') => Some(Tone::Severity(audit_core::Severity::Critical)),
            _ => None,
        };
        match tone {
            Some(tone) => text.push_str(&style.paint(&Painted::new(line, tone))),
            None => text.push_str(line),
        }
        text.push('\n');
    }
    if !plan.is_empty() {
        let last = if applied {
            "applied"
        } else {
            "nothing was changed; `audit apply` does it"
        };
        text.push_str(&style.bold(last));
        text.push('\n');
    }
    text
}
