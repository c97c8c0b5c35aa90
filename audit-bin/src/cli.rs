//! The arguments of `audit`, and which command they lead to.

use std::path::PathBuf;

use anyhow::Context;
use audit_schema::finding::{self, Filter};
use audit_schema::inspect;
use audit_schema::undo::Undo;
use chrono::Utc;
use chrono_tz::Tz;
use clap::{Args, Parser, Subcommand};

use crate::command::alerts::AlertsCommand;
use crate::command::check::CheckOptions;
use crate::command::deliveries::DeliveriesCommand;
use crate::command::docs::DocsOptions;
use crate::command::export::ExportCommand;
use crate::command::import::ImportCommand;
use crate::command::quarantine::QuarantineCommand;
use crate::command::silence::SilenceCommand;
use crate::command::{self, Output};
use crate::connection::{ConnectionOptions, Database};
use crate::demo::{self, DemoOptions, screen::Screen};
use crate::terminal::{Style, count};

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
    connection: ConnectionOptions,

    /// The time zone in which times are shown [default: UTC; America/New_York for the demo]
    #[arg(long, env = "AUDIT_TIME_ZONE", global = true, value_name = "ZONE")]
    time_zone: Option<Tz>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install the pipeline in a database, or bring it up to date
    Migrate,
    /// Show what a policy would change, without changing anything
    Plan {
        /// The policy
        #[arg(default_value = "audit.yml", value_name = "POLICY")]
        policy: PathBuf,
    },
    /// Make the database be as a policy declares it: all of it or nothing
    Apply {
        /// The policy
        #[arg(default_value = "audit.yml", value_name = "POLICY")]
        policy: PathBuf,
    },
    /// Write the JSON Schema of the policy, with which editors complete and check it
    Schema {
        /// The file that it goes to [default: printed]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Show what is watched, what fails now and which alerts are open
    Status,
    /// Show the versions of one row, oldest first
    History {
        /// The table, as schema.table or table
        table: String,
        /// The primary key of the row; a json array if it has several columns
        key: String,
    },
    /// Show a table, or one of its rows, as it was at a time
    AsOf {
        /// The table, as schema.table or table
        table: String,
        /// For example 2026-01-31, "2026-01-31 18:00" (in the time zone shown) or 2026-01-31T18:00:00Z
        time: String,
        /// Only the row with this primary key; a json array if it has several columns
        #[arg(long)]
        key: Option<String>,
        /// How the rows are written
        #[arg(long, value_enum, default_value_t)]
        format: command::as_of::Format,
    },
    /// Show the statements that take back a change, a transaction or what one actor wrote; or run them
    Undo(UndoOptions),
    /// Show what failed, newest first
    Findings {
        #[command(flatten)]
        filter: FilterOptions,
        /// Show the statements that were refused, as far as their evidence was kept
        #[arg(long)]
        rejected: bool,
    },
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
    Verify,
    /// Look for what is wrong with the pipeline, and say what to do about it
    Doctor,
    /// Evaluate rules on the rows that exist, in short transactions; goes on where it was cut off
    Check(CheckOptions),
    /// Look at tables and write a policy that their rows suggest, with the evidence for each rule
    Suggest {
        /// The tables, as schema.table or table
        #[arg(required = true, value_name = "TABLE")]
        tables: Vec<String>,
        /// Look at about so many rows of each
        #[arg(long, value_name = "COUNT", default_value_t = 100_000, value_parser = clap::value_parser!(i64).range(1..))]
        rows: i64,
    },
    /// Turn tests of dbt, Great Expectations, ODCS or SodaCL into a policy, and say what came of each
    Import {
        #[command(subcommand)]
        command: ImportCommand,
    },
    /// Write a policy as a data contract
    Export {
        #[command(subcommand)]
        command: ExportCommand,
    },
    /// Pack, fold and evaluate what is due, without delivering anything
    Tick,
    /// Write the documents of the named database, or else of the demo: entities, flow, every object, what is audited
    Docs(DocsOptions),
    /// Run the whole pipeline on real data: two months of flights from New York
    Demo {
        /// Only 25 January to 12 February
        #[arg(long)]
        quick: bool,
        /// Leave the server's data behind, for `audit status` and the others to look at
        #[arg(long)]
        keep: bool,
        /// Where all files go
        #[arg(long, default_value = "audit-demo", value_name = "DIR")]
        dir: PathBuf,
    },
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
struct UndoOptions {
    /// The change at this position of the log, as `audit history` shows it
    #[arg(long, group = "what", value_name = "LSN")]
    change: Option<String>,
    /// The transaction with this number
    #[arg(long, group = "what", value_name = "XID")]
    transaction: Option<u64>,
    /// Whatever this actor wrote, or this role where it named no actor
    #[arg(long, group = "what", value_name = "NAME", requires = "since")]
    actor: Option<String>,
    /// From this time on
    #[arg(long, value_name = "TIME", requires = "actor")]
    since: Option<String>,
    /// Until this time [default: now]
    #[arg(long, value_name = "TIME", requires = "actor")]
    until: Option<String>,
    /// Only what was written to this table
    #[arg(long)]
    table: Option<String>,
    /// Run the statements, all of them or none, instead of showing them
    #[arg(long)]
    run: bool,
}

impl UndoOptions {
    fn what(&self, zone: Tz) -> anyhow::Result<Undo> {
        Ok(match (&self.change, self.transaction, &self.actor) {
            (Some(lsn), ..) => Undo::Change(lsn.clone()),
            (_, Some(xid), _) => Undo::Transaction(xid),
            (.., name) => Undo::Actor {
                name: name.clone().unwrap_or_default(),
                since: command::as_of::time(self.since.as_deref().unwrap_or_default(), zone)?,
                until: match &self.until {
                    Some(until) => command::as_of::time(until, zone)?,
                    None => Utc::now(),
                },
            },
        })
    }
}

#[derive(Debug, Args)]
struct FilterOptions {
    /// Only of this table
    #[arg(long)]
    table: Option<String>,
    /// Only of the rule with this name
    #[arg(long)]
    rule: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 20, value_name = "COUNT")]
    limit: i64,
}

impl From<FilterOptions> for Filter {
    fn from(options: FilterOptions) -> Self {
        Self {
            table: options.table,
            rule: options.rule,
            limit: options.limit,
        }
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

/// Runs the command that the arguments name.
///
/// # Errors
/// Whatever stands in its way.
pub fn run(audit: Audit) -> anyhow::Result<Ended> {
    if let Command::Check(options) = audit.command {
        let database = Database::open(&audit.connection)?;
        let style = Style::of_standard_output(audit.time_zone.unwrap_or(Tz::UTC));
        return command::check::run(&mut database.connect()?, &options, style);
    }
    // These read and write files, and know no database.
    match &audit.command {
        Command::Import { command } => return command::import::run(command),
        Command::Export { command } => return command::export::run(command),
        _ => {}
    }
    Ok(output(audit)?.into())
}

fn output(audit: Audit) -> anyhow::Result<Output> {
    if let Command::Demo { quick, keep, dir } = audit.command {
        let options = DemoOptions {
            quick,
            keep,
            directory: dir,
            database_url: audit.connection.named().map(str::to_owned),
            program: std::env::args()
                .next()
                .unwrap_or_else(|| "audit".to_owned()),
        };
        let style = Style::of_standard_output(audit.time_zone.unwrap_or(demo::ZONE));
        let finished = demo::run(&options, &mut Screen::of_standard_output(style))?;
        return Ok(Output {
            text: String::new(),
            well: finished.holds(),
        });
    }
    if let Command::Schema { out } = &audit.command {
        return Ok(command::schema::run(out.as_deref())?.into());
    }
    if let (Command::Docs(options), None) = (&audit.command, audit.connection.named()) {
        let style = Style::of_standard_output(Tz::UTC);
        return Ok(command::docs::of_the_demo(options, style)?.into());
    }
    let database = Database::open(&audit.connection)?;
    let mut connection = match audit.command {
        Command::Migrate => database.connect_to_any()?,
        _ => database.connect()?,
    };
    let zone = audit.time_zone.unwrap_or(if database.is_demo() {
        demo::ZONE
    } else {
        Tz::UTC
    });
    let style = Style::of_standard_output(zone);
    let text = match audit.command {
        Command::Migrate => {
            let report = audit_schema::migrate(&mut connection)?;
            command::migrate::render(&report, style)
        }
        Command::Plan { policy } => {
            let policy = command::read_policy(&policy)?;
            command::plan::render(&audit_schema::plan(&mut connection, &policy)?, false, style)
        }
        Command::Apply { policy } => {
            let policy = command::read_policy(&policy)?;
            command::plan::render(&audit_schema::apply(&mut connection, &policy)?, true, style)
        }
        Command::Status => command::status::render(&inspect::status(&mut connection)?, style),
        Command::History { table, key } => {
            command::history::run(&mut connection, &table, &key, style)?
        }
        Command::AsOf {
            table,
            time,
            key,
            format,
        } => {
            let at = command::as_of::time(&time, zone)?;
            command::as_of::run(&mut connection, &table, at, key.as_deref(), format, style)?
        }
        Command::Undo(options) => {
            let what = options.what(zone)?;
            let table = options.table.as_deref();
            return command::undo::run(&mut connection, &what, table, options.run, style);
        }
        Command::Findings {
            filter,
            rejected: true,
        } => command::findings::render_rejected(
            &finding::rejections(&mut connection, &filter.into())?,
            style,
        ),
        Command::Findings { filter, .. } => {
            command::findings::render(&finding::findings(&mut connection, &filter.into())?, style)
        }
        Command::Quarantine { command } => {
            return command::quarantine::run(&mut connection, *command, style);
        }
        Command::Alerts { command } => {
            return command::alerts::run(&mut connection, *command, style);
        }
        Command::Silence { command } => {
            return command::silence::run(&mut connection, *command, style);
        }
        Command::Deliveries { command } => {
            return command::deliveries::run(&mut connection, command, style);
        }
        Command::Docs(options) => command::docs::run(&mut connection, &options, style)?,
        Command::Doctor => {
            return Ok(command::doctor::render(
                &audit_schema::doctor(&mut connection)?,
                style,
            ));
        }
        Command::Verify => return Ok(command::verify::Proof::read(&mut connection)?.render(style)),
        Command::Suggest { tables, rows } => command::suggest::run(&mut connection, &tables, rows)?,
        Command::Tick => {
            let report =
                audit_schema::tick(&mut connection, Utc::now()).context("the tick failed")?;
            format!(
                "{} moved, {} to tell\n",
                count(report.moved, "log row"),
                report.notices.len()
            )
        }
        Command::Check(_)
        | Command::Import { .. }
        | Command::Export { .. }
        | Command::Demo { .. }
        | Command::Schema { .. } => unreachable!("it has returned above"),
    };
    Ok(text.into())
}
