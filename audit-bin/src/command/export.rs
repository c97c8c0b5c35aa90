//! `audit export`: a policy in the language of other tools.

use std::io::{self, Write};
use std::path::PathBuf;

use audit_core::export::{self, Contract};
use chrono_tz::Tz;
use clap::{Args, Subcommand};

use crate::cli::Ended;
use crate::command::import::write;
use crate::command::read_policy;
use crate::terminal::{Style, count};

/// The languages that a policy is written in.
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:  audit export odcs audit.yml --out contract.yaml")]
pub enum ExportCommand {
    /// As a contract of the Open Data Contract Standard, version 3.1
    Odcs(OdcsOptions),
}

/// What the contract says of itself, and where it goes.
#[derive(Debug, Args)]
pub struct OdcsOptions {
    /// The policy
    #[arg(default_value = "audit.yml", value_name = "POLICY")]
    policy: PathBuf,
    /// Write the contract to this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The identifier of the contract [default: the name of the policy file]
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// The version of the contract
    #[arg(long, value_name = "VERSION", default_value = "1.0.0")]
    contract_version: String,
    /// The status of the contract
    #[arg(long, default_value = "active")]
    status: String,
}

/// Exports a policy. What the contract can not say is told on standard error.
///
/// # Errors
/// If the policy can't be read, or the file can't be written.
pub fn run(command: &ExportCommand) -> anyhow::Result<Ended> {
    let ExportCommand::Odcs(asked) = command;
    let policy = read_policy(&asked.policy)?;
    let stem = asked.policy.file_stem();
    let contract = Contract {
        id: asked.id.clone().unwrap_or_else(|| {
            stem.map_or_else(
                || "audit".to_owned(),
                |stem| stem.to_string_lossy().into_owned(),
            )
        }),
        version: asked.contract_version.clone(),
        status: asked.status.clone(),
    };
    let exported = export::odcs(&policy, &contract);
    let style = Style::of_standard_error(Tz::UTC);
    let mut told: Vec<String> = exported
        .notes
        .iter()
        .map(|note| style.quiet(note))
        .collect();
    let rules = i64::try_from(exported.rules).unwrap_or(i64::MAX);
    told.push(format!("{} in the contract", count(rules, "rule")));
    // Nobody may be listening any more.
    drop(io::stderr().write_all((told.join("\n") + "\n").as_bytes()));
    let mut ended = Ended {
        text: exported.text,
        code: 0,
    };
    if let Some(path) = &asked.out {
        write(path, &ended.text)?;
        ended.text.clear();
    }
    Ok(ended)
}
