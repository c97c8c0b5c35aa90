//! The arguments of `audit`, and which command they lead to.
//!
//! A command is a variant of `Command`, a line in `GROUPS`, and an arm in `output`; its options stand with it in
//! `command/`.

use std::path::PathBuf;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::command::alerts::AlertsCommand;
use crate::command::as_of::AsOfOptions;
use crate::command::check::CheckOptions;
use crate::command::deliveries::DeliveriesCommand;
use crate::command::docs::DocsOptions;
use crate::command::drift::DriftOptions;
use crate::command::export::ExportCommand;
use crate::command::findings::FindingsOptions;
use crate::command::history::HistoryOptions;
use crate::command::import::ImportCommand;
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
    disable_help_subcommand = true,
    after_help = "\
Exit codes: 0 done, and all is well; 1 something was looked for and found (drift, doctor, verify, a row that is refused, a
message that was given up), or it could not be done; 2 a plan would change something and was asked to tell; 10 to 13 a check
found rows that fail, by the worst severity; 64 the arguments are wrong; 130 interrupted.

`audit COMMAND --help` has an example of each. What shows something has --format json."
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
    #[command(after_help = "Example:\n  audit migrate --database-url postgresql://localhost/app")]
    Migrate(FormatOption),
    /// Show what a policy would change, without changing anything
    Plan(PlanOptions),
    /// Make the database be as a policy declares it: all of it or nothing
    Apply(ApplyOptions),
    /// Write the JSON Schema of the policy, with which editors complete and check it
    #[command(after_help = "Example:\n  audit schema --out audit.schema.json")]
    Schema {
        /// The file that it goes to [default: printed]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Show what differs between a policy and the database, also what was declared by SQL
    Drift(DriftOptions),
    /// Show what is watched, what fails now and which alerts are open
    #[command(
        after_help = "Examples:\n  audit status                    the screen of the morning\n  audit status --format json      the same for programs"
    )]
    Status(FormatOption),
    /// Show the versions of one row, oldest first
    #[command(
        after_help = "Examples:\n  audit history orders 42\n  audit history shop.prices '[\"EUR\", 7]'    a key of two columns"
    )]
    History(HistoryOptions),
    /// Show a table, or one of its rows, as it was at a time
    #[command(
        after_help = "Examples:\n  audit as-of orders \"2026-01-31 18:00\"\n  audit as-of orders 2026-01-31 --key 42 --format csv"
    )]
    AsOf(AsOfOptions),
    /// Show the statements that take back a change, a transaction or what one actor wrote; or run them
    #[command(
        after_help = "Examples:\n  audit undo --transaction 7421 | psql    look at it first, then run it as it stands\n  audit undo --actor ann --since \"2026-01-31 08:00\" --table orders --run\n\nExit codes: 0 it can be taken back, 1 a row has changed since, so that nothing is"
    )]
    Undo(UndoOptions),
    /// Show what failed, newest first
    #[command(
        after_help = "Examples:\n  audit findings --table orders --limit 50\n  audit findings --rejected --format json"
    )]
    Findings(FindingsOptions),
    /// See, edit, release or discard the rows that were set aside or hidden
    #[command(
        after_help = "Examples:\n  audit quarantine list --rule range_amount\n  audit quarantine edit 3f2a --set amount=5 && audit quarantine release 3f2a\n  audit quarantine discard --table orders --reason \"test data\""
    )]
    Quarantine {
        #[command(subcommand)]
        command: Box<QuarantineCommand>,
    },
    /// See alerts, take them on, let them rest, resolve them
    #[command(
        after_help = "Examples:\n  audit alerts list --severity critical\n  audit alerts ack 3f2a --reason \"on it\" --actor ann"
    )]
    Alerts {
        #[command(subcommand)]
        command: Box<AlertsCommand>,
    },
    /// Say which alerts nobody has to hear of for a while
    #[command(
        after_help = "Examples:\n  audit silence add --table orders --for 4h --reason \"nightly load\"\n  audit silence list"
    )]
    Silence {
        #[command(subcommand)]
        command: Box<SilenceCommand>,
    },
    /// See the messages of alerts, which were given up and why; try them again
    #[command(
        after_help = "Examples:\n  audit deliveries list --state dead\n  audit deliveries retry --all"
    )]
    Deliveries {
        #[command(subcommand)]
        command: DeliveriesCommand,
    },
    /// Prove that counters, summaries and the log are right, by reading everything
    #[command(
        after_help = "Example:\n  audit verify\n\nExit codes: 0 everything agrees, 1 something does not"
    )]
    Verify(FormatOption),
    /// Look for what is wrong with the pipeline, and say what to do about it
    #[command(
        after_help = "Example:\n  audit doctor || echo \"something is to be put right\"\n\nExit codes: 0 nothing is wrong (there may be advice), 1 something is"
    )]
    Doctor(FormatOption),
    /// Evaluate rules on the rows that exist, in short transactions; goes on where it was cut off
    Check(CheckOptions),
    /// Look at tables and write a policy that their rows suggest, with the evidence for each rule
    #[command(after_help = "Example:\n  audit suggest orders customers > suggested.yml")]
    Suggest(SuggestOptions),
    /// Turn tests of dbt, Great Expectations, ODCS or SodaCL into a policy, and say what came of each
    Import {
        #[command(subcommand)]
        command: ImportCommand,
    },
    /// Write what is in force as a policy, or a policy as a data contract
    Export {
        #[command(subcommand)]
        command: ExportCommand,
    },
    /// Pack, fold and evaluate what is due, without delivering anything
    #[command(after_help = "Example:\n  audit tick")]
    Tick(FormatOption),
    /// Write the documents of the named database, or else of the demo: entities, flow, every object, what is audited
    #[command(
        after_help = "Examples:\n  audit docs --out docs/data\n  audit docs --out docs/data --check    in CI: fail if a document is out of date"
    )]
    Docs(DocsOptions),
    /// Run the whole pipeline on real data: two months of flights from New York
    #[command(
        after_help = "Examples:\n  audit demo --quick --keep\n  audit status    looks at what it kept"
    )]
    Demo(DemoArguments),
    /// Write what a shell completes
    Completions(CompletionsOptions),
    /// Write manual pages of all three programs
    Man(ManOptions),
}

/// The exit code after wrong arguments, as sysexits.h has it.
const USAGE: i32 = 64;

/// How the help groups the commands. What is in no group stands at the end.
const GROUPS: [(&str, &[&str]); 5] = [
    (
        "Declare",
        &[
            "init", "migrate", "suggest", "import", "plan", "apply", "drift", "export", "schema",
        ],
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
        Self::grouped()
            .try_get_matches()
            .and_then(|matches| Self::from_arg_matches(&matches))
            .unwrap_or_else(|error| {
                // There is nowhere left to say that this failed.
                let _ = error.print();
                // Not 2, by which a plan tells that something would change.
                std::process::exit(if error.use_stderr() { USAGE } else { 0 })
            })
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
        Command::Plan(options) => command::plan::plan(
            &mut session.connect_as("audit plan")?,
            options,
            session.style(),
        ),
        Command::Apply(options) => command::plan::apply(
            &mut session.connect_as("audit apply")?,
            options,
            session.style(),
        ),
        Command::Import { command } => command::import::run(command),
        Command::Export { command } => command::export::run(&session, command),
        _ => Ok(output(&session, audit.command)?.into()),
    }
}

fn output(session: &Session, command: Command) -> anyhow::Result<Output> {
    // What needs no installed pipeline comes first.
    match command {
        Command::Init(options) => return command::init::run(session, &options),
        Command::Schema { out } => return Ok(command::schema::run(out.as_deref())?.into()),
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
