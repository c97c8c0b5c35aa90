//! `audit docs`: the documents of an installed database, written or checked.

use std::path::Path;

use anyhow::Context;
use audit_report::docs;
use audit_schema::embedded::{Cluster, Options};
use diesel::PgConnection;

use crate::demo;
use crate::terminal::Style;

/// Writes the documents, or checks that they are up to date.
///
/// # Errors
/// If a document is out of date, or the database or a file can't be read or written.
pub fn run(
    connection: &mut PgConnection,
    directory: &Path,
    check: bool,
    style: Style,
) -> anyhow::Result<String> {
    if check {
        docs::check(connection, directory)?;
        return Ok(style.good(&format!("✓ {} is up to date", directory.display())) + "\n");
    }
    let names = docs::write(connection, directory)?;
    let lines: Vec<String> = names
        .iter()
        .map(|name| style.good(&format!("✓ {}", directory.join(name).display())))
        .collect();
    Ok(lines.join("\n") + "\n")
}

/// Installs the pipeline and the demo's policy on a server that is gone afterwards, and does it there.
///
/// # Errors
/// As [`run`], and if there is no server.
pub fn of_the_demo(directory: &Path, check: bool, style: Style) -> anyhow::Result<String> {
    let server = Cluster::start(Options::default())
        .context("could not start a server to read the documents from")?;
    let mut connection = audit_schema::connect(&server.url("postgres"))?;
    demo::install(&mut connection)?;
    run(&mut connection, directory, check, style)
}
