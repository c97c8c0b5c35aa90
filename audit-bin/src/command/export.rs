//! `audit export`: what is in force as a policy, and a policy in the language of other tools.

use std::io::{self, Write};
use std::path::PathBuf;

use audit_core::export::{self, Contract};
use chrono_tz::Tz;
use clap::{Args, Subcommand};

use crate::command::import::write;
use crate::command::{Ended, read_policy};
use crate::session::Session;
use crate::terminal::{Style, count};

/// The languages that a policy is written in.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  audit export policy --out audit.yml    what was declared by SQL, as a file\n  audit export odcs audit.yml --out contract.yaml"
)]
pub enum ExportCommand {
    /// What is in force in the database, as a policy: applying it changes nothing
    #[command(after_help = "Example:\n  audit export policy --out audit.yml")]
    Policy {
        /// Write the policy to this file
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// As a contract of the Open Data Contract Standard, version 3.1
    #[command(after_help = "Example:\n  audit export odcs audit.yml --out contract.yaml --id shop")]
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

/// Writes what is in force as a policy, or a policy as a contract.
///
/// # Errors
/// If the policy or the database can't be read, or the file can't be written.
pub fn run(session: &Session, command: &ExportCommand) -> anyhow::Result<Ended> {
    let (text, out) = match command {
        ExportCommand::Policy { out } => {
            let policy = audit_schema::export(&mut session.connect()?)?;
            (policy.to_yaml(), out)
        }
        ExportCommand::Odcs(asked) => (contract(asked)?, &asked.out),
    };
    let mut ended = Ended { text, code: 0 };
    if let Some(path) = out {
        write(path, &ended.text)?;
        ended.text.clear();
    }
    Ok(ended)
}

/// A policy as a contract. What the contract can not say is told on standard error.
fn contract(asked: &OdcsOptions) -> anyhow::Result<String> {
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
    Ok(exported.text)
}
