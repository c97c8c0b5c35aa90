//! `audit docs`: the documents of an installed database, written or checked.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use audit_report::docs;
use audit_schema::catalogue;
use audit_schema::embedded::{Cluster, Options};
use diesel::PgConnection;

use crate::command::Output;
use crate::demo;
use crate::session::Session;
use crate::terminal::Style;

/// How the documents are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A file for each document and picture, for a repository
    #[default]
    Markdown,
    /// All of them in one page, documents.html, for people
    Html,
}

/// What is written, and where.
#[derive(Debug, Clone, clap::Args)]
pub struct DocsOptions {
    /// The folder that they go to
    #[arg(long, default_value = "docs/generated", value_name = "DIR")]
    out: PathBuf,
    /// As files for a repository, or as one page for people
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Write nothing; fail if a document is out of date
    #[arg(long, conflicts_with = "format")]
    check: bool,
}

/// Writes the documents of the database that is named, or else of the demo; or checks that they are up to date.
///
/// # Errors
/// If a document is out of date, or the database or a file can't be read or written.
pub fn run(session: &Session, options: &DocsOptions) -> anyhow::Result<Output> {
    let style = session.style();
    Ok(match session.named() {
        None => of_the_demo(options, style)?,
        Some(_) => work(&mut session.connect()?, options, style)?,
    }
    .into())
}

fn work(
    connection: &mut PgConnection,
    options: &DocsOptions,
    style: Style,
) -> anyhow::Result<String> {
    let directory = &options.out;
    if options.format == Format::Html {
        let path = directory.join("documents.html");
        let page = docs::page(&catalogue::read(connection)?);
        fs::create_dir_all(directory)
            .and_then(|()| fs::write(&path, page))
            .with_context(|| format!("cannot write `{}`", path.display()))?;
        return Ok(style.good(&format!("✓ {}", path.display())) + "\n");
    }
    if options.check {
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
fn of_the_demo(options: &DocsOptions, style: Style) -> anyhow::Result<String> {
    let server = Cluster::start(Options::default())
        .context("could not start a server to read the documents from")?;
    let mut connection = audit_schema::connect(&server.url("postgres"))?;
    demo::install(&mut connection)?;
    work(&mut connection, options, style)
}
