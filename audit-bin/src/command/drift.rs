//! `audit drift`: what differs between the policy and the database.

use std::fs;
use std::path::PathBuf;

use audit_schema::Drift;
use clap::Args;
use diesel::PgConnection;
use serde::Serialize;

use crate::command::plan::{changes, digest, kept, last_apply};
use crate::command::{Format, Output, doctor, json, read_policy};
use crate::terminal::{Style, count};

/// The options of `audit drift`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  audit drift                       compare audit.yml with the database
  audit drift --format json         the same as JSON
  audit drift || notify-the-team    each night

Exit codes: 0 nothing differs, 1 something does, or it could not be compared.")]
pub struct DriftOptions {
    /// The policy
    #[arg(default_value = "audit.yml", value_name = "POLICY")]
    policy: PathBuf,
    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What differs, and whether the file is the one that was applied last.
#[derive(Serialize)]
struct Found<'f> {
    differs: bool,
    same_file: Option<bool>,
    #[serde(flatten)]
    drift: &'f Drift,
}

/// Compares, and tells. Not well if anything differs.
///
/// # Errors
/// If the policy or the database can't be read, or they do not fit together.
pub fn run(
    connection: &mut PgConnection,
    options: &DriftOptions,
    style: Style,
) -> anyhow::Result<Output> {
    let policy = read_policy(&options.policy)?;
    let drift = audit_schema::drift(connection, &policy)?;
    let applied = drift.last.as_ref().and_then(|last| last.digest.clone());
    let same_file = applied
        .zip(fs::read(&options.policy).ok())
        .map(|(applied, text)| applied == digest(&text));
    let found = Found {
        differs: !drift.is_none(),
        same_file,
        drift: &drift,
    };
    Ok(Output {
        text: match options.format {
            Format::Text => render(&drift, same_file, style),
            Format::Json => json(&found)?,
        },
        well: drift.is_none(),
    })
}

/// Shows what differs as a person reads it.
pub fn render(drift: &Drift, same_file: Option<bool>, style: Style) -> String {
    let mut parts = Vec::new();
    let mut about = match &drift.last {
        Some(last) => last_apply(last, style),
        None => "no policy was applied yet".to_owned(),
    };
    match same_file {
        Some(true) => about.push_str(" · the file is the same"),
        Some(false) => about.push_str(" · the file has changed since"),
        None => {}
    }
    parts.push(style.quiet(&about));
    if !drift.changes.is_empty() {
        parts.push(format!(
            "{}\n{}",
            style.quiet("what `audit apply` would change"),
            changes(&drift.changes, style)
        ));
    }
    parts.extend(kept(&drift.kept, style).map(|kept| {
        let heading = "what was declared by SQL; `audit apply` leaves it, --prune does not";
        format!("{}\n{kept}", style.quiet(heading))
    }));
    if !drift.code.is_empty() {
        parts.push(format!(
            "{}\n{}",
            style.quiet("generated code that is not that of the declarations"),
            doctor::remarks(&drift.code, style).trim_end()
        ));
    }
    let size = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    parts.push(if drift.is_none() {
        style.good("✓ the database is as the policy declares it")
    } else {
        style.bad(&format!(
            "{} · {} by SQL · {} about generated code",
            count(size(drift.changes.len()), "difference"),
            size(drift.kept.len()),
            count(size(drift.code.len()), "remark")
        ))
    });
    parts.join("\n\n") + "\n"
}
