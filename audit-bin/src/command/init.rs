//! `audit init`: a policy to begin with.

use std::fmt::Write;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::{Context, bail};
use audit_schema::inspect;
use clap::Args;

use crate::command::Output;
use crate::session::Session;
use crate::terminal::{count, table_name};

/// More tables than these are only counted: nobody wants to read them all.
const MOST_TABLES: usize = 50;

/// The options of `audit init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  audit init                                    audit.yml, for the tables of the database that is named
  audit init team/orders.yml --table orders     for one table
  audit suggest orders                          rules that the rows of a table suggest, to be copied into it")]
pub struct InitOptions {
    /// The file to write
    #[arg(default_value = "audit.yml", value_name = "FILE")]
    file: PathBuf,
    /// Only this table; may be given several times [default: all of the database]
    #[arg(long, value_name = "TABLE")]
    table: Vec<String>,
    /// Write it even if it is there
    #[arg(long)]
    force: bool,
}

/// Writes a policy with comments. It never overwrites one by itself.
///
/// # Errors
/// If the file is there or can't be written, or the database that is named does not answer.
pub fn run(session: &Session, options: &InitOptions) -> anyhow::Result<Output> {
    let tables = match session.named() {
        Some(_) => {
            let tables = inspect::tables(&mut session.connect_to_any()?)?;
            chosen(tables, &options.table)?
        }
        None => options.table.clone(),
    };
    let file = options.file.display();
    let text = starter(&tables);
    let written = if options.force {
        fs::write(&options.file, text)
    } else {
        // Between looking and writing somebody else could write it.
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&options.file)
            .and_then(|mut new| new.write_all(text.as_bytes()))
    };
    match written {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            bail!("`{file}` is there already; --force writes it anew, or name another file")
        }
        written => written.with_context(|| format!("cannot write `{file}`"))?,
    }
    let style = session.style();
    let size = i64::try_from(tables.len()).unwrap_or(i64::MAX);
    let next = match tables.first() {
        Some(table) => format!("next: `audit suggest {table}` for rules, then `audit plan {file}`"),
        None => format!("next: name your tables in it, then `audit plan {file}`"),
    };
    Ok(format!(
        "{}\n{next}\n",
        style.good(&format!("✓ {file}, with {}", count(size, "table")))
    )
    .into())
}

/// The tables of a database that are meant: those that are named, or all.
fn chosen(tables: Vec<String>, named: &[String]) -> anyhow::Result<Vec<String>> {
    if named.is_empty() {
        return Ok(tables);
    }
    named
        .iter()
        .map(|name| {
            let found = tables.iter().find(|table| {
                *table == name
                    || table
                        .rsplit_once('.')
                        .is_some_and(|(_, short)| short == name)
            });
            found.cloned().with_context(|| {
                let names = tables
                    .iter()
                    .flat_map(|table| [table.as_str(), table_name(table)]);
                let help = audit_core::policy::did_you_mean(name, names)
                    .map_or_else(String::new, |help| format!("; {help}"));
                format!("there is no table `{name}`{help}")
            })
        })
        .collect()
}

/// A policy for some tables, with the comments that somebody needs who has never written one.
pub fn starter(tables: &[String]) -> String {
    let mut text = String::from(
        "# What is watched, what correct data looks like, and who hears of it when it is not.
#
#   audit plan      shows what this file would change, and how many rows would fail
#   audit apply     makes the database be as it says, all or nothing
#   audit suggest   proposes rules for a table, with the evidence for each
version: 1

defaults:
  # Who answers for what names nobody else.
  owner: data@example.com

",
    );
    if tables.is_empty() {
        text.push_str("tables: {}\n");
    } else {
        text.push_str("tables:\n");
    }
    for (place, table) in tables.iter().enumerate() {
        let comment = if place < MOST_TABLES { "" } else { "# " };
        let quoted = match table.contains('\"') {
            true => format!("'{}'", table.replace('\'', "''")),
            false => table.clone(),
        };
        let _ = writeln!(text, "{comment}  {quoted}:");
        if place == 0 {
            text.push_str(
                "    # why: What depends on this table?
    # rules:
    #   - not_null: [customer_id]
    #   - one_of: { status: [new, paid, sent] }
    #     severity: critical       # critical, important, normal (the default) or low
    #     action: quarantine       # flag (the default), quarantine or reject
",
            );
        }
    }
    text.push_str(
        "
# An aggregate that is exact at every moment, without a scan.
# summaries:
#   by_day: { from: public.orders, bucket: { column: created_at, width: 1 day }, measures: { orders: count } }

# When somebody is told, and how.
# alerts:
#   bad_rows: { on: rules, when: failing > 0, for: 10m, severity: inherit }
# channels:
#   disk: { file: { directory: alerts } }
# routes:
#   - { to: disk }
",
    );
    text
}
