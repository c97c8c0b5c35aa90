//! `audit import`: tests of other tools as a policy, and what came of each.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use audit_core::Error;
use audit_core::import::{self, Imported, Options, Verdict};
use chrono_tz::Tz;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::command::{Ended, Format};
use crate::terminal::Style;

/// The tools whose files are read.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Example:  audit import dbt target/manifest.json --out orders.yml
The policy goes to standard output, the report to standard error.")]
pub enum ImportCommand {
    /// Tests, contracts and source freshness of dbt: target/manifest.json, or a file such as schema.yml
    #[command(after_help = "Example:\n  audit import dbt target/manifest.json --out orders.yml")]
    Dbt(ImportOptions),
    /// A suite of Great Expectations, of version 1 or 0.18
    #[command(
        after_help = "Example:\n  audit import gx expectations/orders.json --table shop.orders > orders.yml"
    )]
    Gx {
        /// What is read, and where everything goes
        #[command(flatten)]
        options: ImportOptions,
        /// The table that the suite is about, as schema.table [default: what the name of the suite says]
        #[arg(long, value_name = "TABLE")]
        table: Option<String>,
    },
    /// A data contract of the Open Data Contract Standard, version 3
    #[command(after_help = "Example:\n  audit import odcs contract.yaml > orders.yml")]
    Odcs(ImportOptions),
    /// Checks of Soda Core 3
    #[command(after_help = "Example:\n  audit import sodacl checks.yml --schema shop > orders.yml")]
    Sodacl(ImportOptions),
}

/// What is read, and where everything goes.
#[derive(Debug, Args)]
pub struct ImportOptions {
    /// The file; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write the policy to this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write the report to this file
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// How the report is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The schema of tables that the file names without one
    #[arg(long, value_name = "NAME", default_value = "public")]
    schema: String,
}

type Importer = fn(&str, &str, &Options) -> Result<Imported, Error>;

/// Imports a file.
///
/// # Errors
/// If it can't be read or is not what it should be, or if a file can't be written.
pub fn run(command: &ImportCommand) -> anyhow::Result<Ended> {
    let (importer, asked, table): (Importer, _, _) = match command {
        ImportCommand::Dbt(options) => (import::dbt, options, None),
        ImportCommand::Gx { options, table } => (import::gx, options, table.clone()),
        ImportCommand::Odcs(options) => (import::odcs, options, None),
        ImportCommand::Sodacl(options) => (import::sodacl, options, None),
    };
    let options = Options {
        schema: asked.schema.clone(),
        table,
    };
    let text = read(&asked.file)?;
    let imported = importer(&text, &asked.file.display().to_string(), &options)?;
    let style = match asked.report {
        Some(_) => Style::PLAIN,
        None => Style::of_standard_error(Tz::UTC),
    };
    let report = match asked.format {
        Format::Text => report(&imported, style),
        Format::Json => super::json(&as_json(&imported))?,
    };
    match &asked.report {
        Some(path) => write(path, &report)?,
        // Nobody may be listening any more.
        None => drop(io::stderr().write_all(report.as_bytes())),
    }
    let mut ended = Ended {
        text: imported.fragment(),
        code: 0,
    };
    if let Some(path) = &asked.out {
        write(path, &ended.text)?;
        ended.text.clear();
    }
    Ok(ended)
}

/// Every check with what came of it, and a line that sums up.
pub fn report(imported: &Imported, style: Style) -> String {
    let mut text = String::new();
    for check in &imported.coverage {
        let shown = check.to_string();
        let (line, notes) = shown.split_once('\n').unwrap_or((&shown, ""));
        text += &match check.verdict {
            Verdict::Imported => style.good(line),
            Verdict::Different => style.bold(line),
            Verdict::NotPossible => style.bad(line),
        };
        text.push('\n');
        if !notes.is_empty() {
            text += &style.quiet(notes);
            text.push('\n');
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text + &imported.summary() + "\n"
}

fn as_json(imported: &Imported) -> serde_json::Value {
    json!({
        "tool": imported.tool,
        "file": imported.file,
        "checks": imported.coverage,
        "imported": imported.count(Verdict::Imported),
        "different": imported.count(Verdict::Different),
        "not_possible": imported.count(Verdict::NotPossible),
    })
}

/// The text of a file, or of standard input.
fn read(path: &Path) -> anyhow::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        io::stdin()
            .read_to_string(&mut text)
            .context("cannot read standard input")?;
        return Ok(text);
    }
    fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
}

/// Writes a file.
///
/// # Errors
/// If it can't be written.
pub(crate) fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}
