//! The arguments of `audit`, and which command they lead to.
//!
//! A command is a variant of [`Command`], a line in [`GROUPS`], and an arm in [`output`]; its options stand with it in
//! `command/`.

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::command::alerts::AlertsCommand;
use crate::command::as_of::AsOfOptions;
use crate::command::check::CheckOptions;
use crate::command::deliveries::DeliveriesCommand;
use crate::command::docs::DocsOptions;
use crate::command::drift::DriftOptions;
use crate::command::findings::FindingsOptions;
use crate::command::history::HistoryOptions;
use crate::command::init::InitOptions;
use crate::command::manual::{CompletionsOptions, ManOptions};
use crate::command::plan::{ApplyOptions, PlanOptions};
use crate::command::quarantine::QuarantineCommand;
use crate::command::silence::SilenceCommand;
use crate::command::suggest::SuggestOptions;
use crate::command::undo::UndoOptions;
use crate::command::{self, Ended, FormatOption, Output};
use crate::demo::DemoArguments;
use crate::session::{Session, SessionOptions};

/// Audit and data quality for PostgreSQL, at the moment of writing.
#[derive(Debug, Parser)]
#[command(
    name = "audit",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub struct Audit {
    #[command(flatten)]
    session: SessionOptions,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a policy to begin with, for the tables of the database
    Init(InitOptions),
    /// Install the pipeline in a database, or bring it up to date
    Migrate(FormatOption),
    /// Show what a policy would change, without changing anything
    Plan(PlanOptions),
    /// Make the database be as a policy declares it: all of it or nothing
    Apply(ApplyOptions),
    /// Show what differs between a policy and the database, also what was declared by SQL
    Drift(DriftOptions),
    /// Show what is watched, what fails now and which alerts are open
    Status(FormatOption),
    /// Show the versions of one row, oldest first
    History(HistoryOptions),
    /// Show a table, or one of its rows, as it was at a time
    AsOf(AsOfOptions),
    /// Show the statements that take back a change, a transaction or what one actor wrote; or run them
    Undo(UndoOptions),
    /// Show what failed, newest first
    Findings(FindingsOptions),
    /// See, edit, release or discard the rows that were set aside or hidden
    Quarantine {
        #[command(subcommand)]
        command: Box<QuarantineCommand>,
    },
    /// See alerts, take them on, let them rest, resolve them
    Alerts {
        #[command(subcommand)]
        command: Box<AlertsCommand>,
    },
    /// Say which alerts nobody has to hear of for a while
    Silence {
        #[command(subcommand)]
        command: Box<SilenceCommand>,
    },
    /// See the messages of alerts, which were given up and why; try them again
    Deliveries {
        #[command(subcommand)]
        command: DeliveriesCommand,
    },
    /// Prove that counters, summaries and the log are right, by reading everything
    Verify(FormatOption),
    /// Look for what is wrong with the pipeline, and say what to do about it
    Doctor(FormatOption),
    /// Evaluate rules on the rows that exist, in short transactions; goes on where it was cut off
    Check(CheckOptions),
    /// Look at tables and write a policy that their rows suggest, with the evidence for each rule
    Suggest(SuggestOptions),
    /// Pack, fold and evaluate what is due, without delivering anything
    Tick(FormatOption),
    /// Write the documents of the named database, or else of the demo: entities, flow, every object, what is audited
    Docs(DocsOptions),
    /// Run the whole pipeline on real data: two months of flights from New York
    Demo(DemoArguments),
    /// Write what a shell completes
    Completions(CompletionsOptions),
    /// Write manual pages of all three programs
    Man(ManOptions),
}

/// How the help groups the commands. What is in no group stands at the end.
const GROUPS: [(&str, &[&str]); 5] = [
    (
        "Declare",
        &["init", "migrate", "suggest", "plan", "apply", "drift"],
    ),
    ("Look", &["status", "findings", "check", "doctor", "verify"]),
    ("Look back", &["history", "as-of", "undo"]),
    (
        "Act",
        &["quarantine", "alerts", "silence", "deliveries", "tick"],
    ),
    ("Learn", &["demo", "docs", "completions", "man"]),
];

impl Audit {
    /// The arguments of this process. Wrong ones, and those that ask for help, end it.
    pub fn of_process() -> Self {
        let matches = Self::grouped().get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }

    /// The command with its help, whose list of commands is in groups.
    pub fn grouped() -> clap::Command {
        command::help::grouped(Self::command(), &GROUPS)
    }
}

/// Runs the command that the arguments name.
///
/// # Errors
/// Whatever stands in its way.
pub fn run(audit: Audit) -> anyhow::Result<Ended> {
    let session = Session::new(audit.session);
    // These have exit codes of their own.
    match &audit.command {
        Command::Check(options) => {
            command::check::run(&mut session.connect()?, options, session.style())
        }
        Command::Plan(options) => {
            command::plan::plan(&mut session.connect()?, options, session.style())
        }
        Command::Apply(options) => {
            command::plan::apply(&mut session.connect()?, options, session.style())
        }
        _ => Ok(output(&session, audit.command)?.into()),
    }
}

fn output(session: &Session, command: Command) -> anyhow::Result<Output> {
    // What needs no installed pipeline comes first.
    match command {
        Command::Init(options) => return command::init::run(session, &options),
        Command::Completions(options) => return Ok(command::manual::completions(&options)),
        Command::Man(options) => return command::manual::man(&options),
        Command::Migrate(options) => return command::migrate::run(session, options),
        Command::Docs(options) => return command::docs::run(session, &options),
        Command::Demo(options) => return crate::demo::command(session, options),
        _ => {}
    }
    let connection = &mut session.connect()?;
    let style = session.style();
    match command {
        Command::Drift(options) => command::drift::run(connection, &options, style),
        Command::Status(options) => command::status::run(connection, options, style),
        Command::History(options) => command::history::run(connection, &options, style),
        Command::AsOf(options) => command::as_of::run(connection, &options, style),
        Command::Undo(options) => command::undo::run(connection, &options, style),
        Command::Findings(options) => command::findings::run(connection, options, style),
        Command::Quarantine { command } => command::quarantine::run(connection, *command, style),
        Command::Alerts { command } => command::alerts::run(connection, *command, style),
        Command::Silence { command } => command::silence::run(connection, *command, style),
        Command::Deliveries { command } => command::deliveries::run(connection, command, style),
        Command::Verify(options) => command::verify::run(connection, options, style),
        Command::Doctor(options) => command::doctor::run(connection, options, style),
        Command::Suggest(options) => command::suggest::run(connection, &options),
        Command::Tick(options) => command::tick::run(connection, options),
        _ => unreachable!("it has returned above"),
    }
}
