//! The commands of `audit`, one module each: from options to the text that is printed.

use std::path::Path;

use anyhow::Context;
use audit_core::Policy;
use audit_core::policy::Disk;

pub mod alerts;
pub mod as_of;
pub mod check;
pub mod deliveries;
pub mod docs;
pub mod doctor;
pub mod export;
pub mod findings;
pub mod history;
pub mod image;
pub mod import;
pub mod migrate;
pub mod notify;
pub mod plan;
pub mod quarantine;
pub mod schema;
pub mod silence;
pub mod status;
pub mod suggest;
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

/// How something is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// As JSON, for programs
    Json,
}

/// Something as JSON, with a line for each part.
pub(crate) fn json(value: &impl serde::Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
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
