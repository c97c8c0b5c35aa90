//! The commands of `audit`, one module each: from options to the text that is printed.

use std::path::Path;

use anyhow::{Context, anyhow};
use audit_core::Policy;
use audit_core::policy::{Disk, did_you_mean};
use audit_schema::inspect::{self, WatchedTable};
use diesel::PgConnection;

use crate::terminal::table_name;

pub mod alerts;
pub mod as_of;
pub mod check;
pub mod deliveries;
pub mod docs;
pub mod doctor;
pub mod drift;
pub mod export;
pub mod findings;
pub mod help;
pub mod history;
pub mod html;
pub mod image;
pub mod import;
pub mod init;
pub mod manual;
pub mod migrate;
pub mod notify;
pub mod plan;
pub mod quarantine;
pub mod schema;
pub mod serve;
pub mod silence;
pub mod status;
pub mod suggest;
pub mod tick;
pub mod undo;
pub mod verify;

/// What a command has to say, and whether all is well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// What is printed.
    pub text: String,
    /// False makes the program exit with code 1: something was looked for and found.
    pub well: bool,
}

impl From<String> for Output {
    fn from(text: String) -> Self {
        Self { text, well: true }
    }
}

/// What the program prints, and the code that it ends with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// What is printed.
    pub text: String,
    /// 0 if all is well, 1 if something was looked for and found; a check has a code for each severity.
    pub code: u8,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            text: output.text,
            code: u8::from(!output.well),
        }
    }
}

/// How something is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// As JSON, for programs
    Json,
}

/// The one option of commands that have no other.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct FormatOption {
    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Something as JSON, with a line for each part.
pub(crate) fn json(value: &impl serde::Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// The watched table of a name.
///
/// # Errors
/// If there is none, with what may have been meant.
pub(crate) fn watched(connection: &mut PgConnection, name: &str) -> anyhow::Result<WatchedTable> {
    if let Some(watched) = inspect::watched_table(connection, name)? {
        return Ok(watched);
    }
    let tables = inspect::watched_tables(connection)?;
    // A person types a name with its schema, or without.
    let names = tables
        .iter()
        .flat_map(|table| [table.as_str(), table_name(table)]);
    let help = match did_you_mean(name, names) {
        Some(help) => help,
        None if tables.is_empty() => "no table is watched yet; see `audit init`".to_owned(),
        None => format!("watched are {}", tables.join(", ")),
    };
    Err(anyhow!("`{name}` is not a watched table; {help}"))
}

/// Reads and checks a policy: the file, what it includes, and the variables of the environment in them.
///
/// # Errors
/// If it can't be read, or for everything that is wrong in it, all at once.
pub fn read_policy(path: &Path) -> anyhow::Result<Policy> {
    let file = path
        .to_str()
        .with_context(|| format!("the path `{}` is not text", path.display()))?;
    let environment = Disk::new(|name| std::env::var(name).ok());
    Ok(Policy::load(file, &environment)?)
}
