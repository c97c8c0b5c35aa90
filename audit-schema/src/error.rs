//! Everything that can go wrong between the pipeline and PostgreSQL.

use std::path::PathBuf;

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind};

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong: a variant for each thing that a caller may want to handle in its own way.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database refused, and named the fact that stands in the way.
    ///
    /// Functions of the schema `audit` raise such errors with `constraint = '…'`. Match on [`fact`](Self::fact), never
    /// on the text.
    #[error("{message}")]
    Refused {
        /// The name of the fact, for example `table_has_no_primary_key`.
        fact: String,
        /// The message of the database.
        message: String,
        /// What the database says next to it: the keys, the value.
        detail: Option<String>,
        /// What the database advises.
        hint: Option<String>,
    },

    /// A policy names something that the database does not have or does not understand. Nothing was applied.
    #[error(transparent)]
    Policy(#[from] audit_core::PolicyErrors),

    /// Any other failure of a statement.
    #[error("the database refused a statement")]
    Database(#[source] diesel::result::Error),

    /// The database can not be reached.
    #[error("cannot connect to the database")]
    Connect(#[source] diesel::ConnectionError),

    /// The pool could not hand out a connection in time.
    #[error("no connection became free")]
    Pool(#[from] r2d2::Error),

    /// The function needs an open transaction: what it sets ends with it.
    #[error("the context of a change can only be set inside a transaction")]
    NotInTransaction,

    /// The function needs a transaction of its own: what it keeps must not go with another's rollback.
    #[error("the evidence of a rejection can not be recorded inside a transaction")]
    InTransaction,

    /// No row in quarantine is meant, or more than one.
    #[error("{} in quarantine has an id that begins with `{id}`", if *several { "more than one row" } else { "no row" })]
    NoSuchRow {
        /// What was given.
        id: String,
        /// Whether more than one begins so.
        several: bool,
    },

    /// No alert, silence or delivery is meant, or more than one.
    #[error("{} has an id that begins with `{id}`", if *several { format!("more than one {what}") } else { format!("no {what}") })]
    NotOne {
        /// What was looked for.
        what: &'static str,
        /// What was given.
        id: String,
        /// Whether more than one begins so.
        several: bool,
    },

    /// Somebody holds a lock for longer than an apply waits. Nothing was applied.
    #[error("{}", crate::apply::lock::in_words(table.as_deref(), holders, *attempts))]
    Locked {
        /// The table; `None` if somebody else applies a policy.
        table: Option<String>,
        /// Who holds locks on it.
        holders: Vec<crate::apply::Holder>,
        /// How often it was tried.
        attempts: u32,
    },

    /// A table is named that is not, and never was, watched.
    #[error("no watched table is called `{name}`; `audit status` lists them")]
    NotWatched {
        /// What was given.
        name: String,
    },

    /// A summary is named that is not declared, or not complete yet.
    #[error("there is no summary called `{name}` that can be read; there {}", match known.as_slice() {
        [] => "is none".to_owned(),
        known => format!("are {}", known.join(", ")),
    })]
    NoSummary {
        /// What was given.
        name: String,
        /// Those that can be read.
        known: Vec<String>,
    },

    /// The server is older than the oldest one that the pipeline supports.
    #[error("PostgreSQL {found} is too old, the oldest supported is 14")]
    ServerTooOld {
        /// Its version, as the server prints it.
        found: String,
    },

    /// A schema with one of the pipeline's names exists and belongs to something else.
    #[error("the schema `{schema}` exists, belongs to `{owner}` and was not made by this program")]
    ForeignSchema {
        /// `audit` or `audit_compiled`.
        schema: String,
        /// The role that owns it.
        owner: String,
    },

    /// The role that installs the pipeline lacks a right.
    #[error("the role `{role}` may not {action}; {hint}")]
    NoRight {
        /// The role that is logged in.
        role: String,
        /// What it may not do.
        action: String,
        /// What somebody who may should run.
        hint: String,
    },

    /// The database was migrated by a newer version of this program.
    #[error(
        "the database has the migration `{version}`, which this version of the program does not know"
    )]
    NewerSchema {
        /// The first unknown migration.
        version: String,
    },

    /// The database was migrated by an older version of this program.
    #[error(
        "the database lacks the migration `{version}`, so it is older than this version of the program"
    )]
    OlderSchema {
        /// The first migration that is missing.
        version: String,
    },

    /// A migration failed; nothing of it remains.
    #[error("the migration `{name}` failed")]
    Migration {
        /// The folder of the migration.
        name: String,
        /// What the database said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A file below `sql/` could not be applied; nothing of the upgrade remains.
    #[error("applying `{path}` failed")]
    Source {
        /// The file, below `sql/`.
        path: String,
        /// What the database said.
        #[source]
        source: diesel::result::Error,
    },

    /// No PostgreSQL server is installed on this machine.
    #[error(
        "found no PostgreSQL server on this machine; install one with `{install}`, or name a running one with DATABASE_URL"
    )]
    NoServer {
        /// The command that installs one.
        install: String,
    },

    /// PostgreSQL refuses to run as root, and there is no account to run it as.
    #[error(
        "a PostgreSQL server may not run as root, and there is neither an account `postgres` nor `nobody`"
    )]
    NoAccount,

    /// The account that the server runs as can not enter a directory.
    #[error("the account `{account}`, as which the server must run, cannot enter `{}`", directory.display())]
    Unreachable {
        /// The directory.
        directory: PathBuf,
        /// The account.
        account: String,
    },

    /// Another server uses the kept data directory.
    #[error("the data directory `{}` is in use{}", directory.display(), pid.map(|pid| format!(" by the server with process id {pid}")).unwrap_or_default())]
    InUse {
        /// The data directory.
        directory: PathBuf,
        /// The process id of the server, if it is known.
        pid: Option<i32>,
    },

    /// The kept directory holds something that is not a cluster.
    #[error("`{}` is not empty and not a PostgreSQL data directory", directory.display())]
    NotACluster {
        /// The directory.
        directory: PathBuf,
    },

    /// The kept data directory was made by a major version that is not installed.
    #[error("the data directory `{}` belongs to PostgreSQL {needed}, installed: {installed}", directory.display())]
    OtherMajor {
        /// The data directory.
        directory: PathBuf,
        /// The major version that made it.
        needed: u32,
        /// The major versions that are installed.
        installed: String,
    },

    /// The path of the server's socket would be longer than the system allows.
    #[error("`{}` is too long a path for a socket", directory.display())]
    PathTooLong {
        /// The directory of the socket.
        directory: PathBuf,
    },

    /// The private server did not start.
    #[error("the private PostgreSQL server did not start: {log}")]
    Start {
        /// The last lines of its log.
        log: String,
    },

    /// The operating system refused something that the private server needs.
    #[error("cannot {action}")]
    System {
        /// What was tried.
        action: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    /// The name of the fact or constraint that the database refused for, if it named one.
    ///
    /// ```
    /// use audit_schema::Error;
    /// assert_eq!(Error::NotInTransaction.fact(), None);
    /// ```
    #[must_use]
    pub fn fact(&self) -> Option<&str> {
        match self {
            Self::Refused { fact, .. } => Some(fact),
            Self::Database(diesel::result::Error::DatabaseError(_, information)) => {
                information.constraint_name()
            }
            _ => None,
        }
    }

    /// The database holds something that this version can not read.
    pub(crate) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Database(diesel::result::Error::DeserializationError(Box::new(error)))
    }
}

/// An error that names a constraint and is not one of PostgreSQL's own constraint violations was raised by a function
/// of the pipeline: diesel hides SQLSTATE, so this is how it is known.
impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        match &error {
            diesel::result::Error::DatabaseError(DatabaseErrorKind::Unknown, information) => {
                refusal(information.as_ref()).unwrap_or(Self::Database(error))
            }
            _ => Self::Database(error),
        }
    }
}

fn refusal(information: &(dyn DatabaseErrorInformation + Send + Sync)) -> Option<Error> {
    Some(Error::Refused {
        fact: information.constraint_name()?.to_owned(),
        message: information.message().to_owned(),
        detail: information.details().map(str::to_owned),
        hint: information.hint().map(str::to_owned),
    })
}
