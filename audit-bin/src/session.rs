//! What all commands of `audit` share: the database, and how its answers look.

use std::cell::OnceCell;

use audit_schema::pool;
use chrono_tz::Tz;
use clap::Args;
use diesel::PgConnection;

use crate::connection::{ConnectionOptions, Database};
use crate::demo;
use crate::interrupt;
use crate::terminal::{Color, Style};

/// The options that every command understands.
#[derive(Debug, Clone, Args)]
pub struct SessionOptions {
    #[command(flatten)]
    connection: ConnectionOptions,

    /// The time zone in which times are shown [default: UTC; America/New_York for the demo]
    #[arg(long, env = "AUDIT_TIME_ZONE", global = true, value_name = "ZONE")]
    time_zone: Option<Tz>,

    /// When colours are written; by themselves only on a terminal, and not if NO_COLOR is set
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        hide_short_help = true
    )]
    color: Color,
}

/// One run of the program. It connects when a command asks for it.
#[derive(Debug)]
pub struct Session {
    options: SessionOptions,
    database: OnceCell<Database>,
}

impl Session {
    /// Nothing is connected to yet.
    pub fn new(options: SessionOptions) -> Self {
        Self {
            options,
            database: OnceCell::new(),
        }
    }

    /// The database that is named, if one is.
    pub fn named(&self) -> Option<&str> {
        self.options.connection.named()
    }

    /// Connects to the database, in which the pipeline must be installed.
    ///
    /// # Errors
    /// If it can't be reached, or the pipeline is not installed in it.
    pub fn connect(&self) -> anyhow::Result<PgConnection> {
        let database = self.database()?;
        introduced(database.connect()?, database, None)
    }

    /// As [`connect`](Self::connect), with a name for those who ask the server who holds a lock. What people do has none:
    /// the log would name the program as its author.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_as(&self, name: &str) -> anyhow::Result<PgConnection> {
        let database = self.database()?;
        introduced(database.connect()?, database, Some(name))
    }

    /// Connects to the database, whatever it holds.
    ///
    /// # Errors
    /// If it can't be reached.
    pub fn connect_to_any(&self) -> anyhow::Result<PgConnection> {
        let database = self.database()?;
        introduced(database.connect_to_any()?, database, None)
    }

    /// How things look, in the time zone that suits the database.
    pub fn style(&self) -> Style {
        let is_demo = self.database.get().is_some_and(Database::is_demo);
        self.style_in(if is_demo { demo::ZONE } else { Tz::UTC })
    }

    /// How things look, in a time zone unless another one is asked for.
    pub fn style_in(&self, zone: Tz) -> Style {
        Style::of_standard_output(self.options.color, self.options.time_zone.unwrap_or(zone))
    }

    fn database(&self) -> anyhow::Result<&Database> {
        if let Some(database) = self.database.get() {
            return Ok(database);
        }
        let database = Database::open(&self.options.connection)?;
        Ok(self.database.get_or_init(|| database))
    }
}

/// Ctrl-C ends what the server runs for us.
fn introduced(
    mut connection: PgConnection,
    database: &Database,
    name: Option<&str>,
) -> anyhow::Result<PgConnection> {
    let pid = pool::introduce(&mut connection, name)?;
    interrupt::cancels(database.url(), pid)?;
    Ok(connection)
}
