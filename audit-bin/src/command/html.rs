//! `audit-report html`: the dashboard and all charts as one HTML file.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use audit_report::page;
use clap::Args;
use diesel::PgConnection;

use crate::command::image::SelectionOptions;

/// Where the report goes, and what it is about.
#[derive(Debug, Args)]
pub struct HtmlOptions {
    /// The file to write
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    out: PathBuf,
    #[command(flatten)]
    selection: SelectionOptions,
}

/// Writes the report.
///
/// # Errors
/// If the database can't be read or the file can't be written.
pub fn run(connection: &mut PgConnection, options: HtmlOptions) -> anyhow::Result<String> {
    let report = page::html(&page::load(connection, &options.selection.into())?)?;
    fs::write(&options.out, report)
        .with_context(|| format!("cannot write `{}`", options.out.display()))?;
    Ok(format!("✓ {}\n", options.out.display()))
}
