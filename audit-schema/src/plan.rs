//! What a policy would change in a database.
//!
//! A plan tries everything that [`apply`](crate::apply()) would do, in a transaction that it rolls back, except for
//! attaching anything to a table: writers of the watched tables notice nothing of it. So whatever the database has to
//! say about a policy (a table that is not there, a predicate that it does not understand) is said at once, each with
//! its place in the file.

use std::fmt;

use audit_core::{Action, Policy, Severity};
use diesel::{Connection, PgConnection};
use serde::Serialize;

use crate::apply::{Mode, carry_out};
use crate::{Error, Result};

/// What a policy would change in a database, or has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The changes: tables with their rules, then summaries, alerts, channels, routes and silences. Empty if the database is as
    /// the policy declares it.
    pub changes: Vec<Planned>,
    /// What writers of the watched tables would notice.
    pub locks: Vec<Lock>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// What happens to the object.
    pub verb: Verb,
    /// What kind of object it is.
    pub object: Object,
    /// Its name; a route has its place, from 1.
    pub name: String,
    /// The table of a rule or of a summary, as `schema.table`.
    pub table: Option<String>,
    /// What it demands or does, in one line; empty for what goes.
    pub what: String,
    /// How much a failure of a rule matters.
    pub severity: Option<Severity>,
    /// What happens to a row that fails a rule.
    pub action: Option<Action>,
    /// What changes in an object that stays.
    pub differences: Vec<Difference>,
    /// How many of the rows that exist fail a new rule; `None` if nobody counted.
    pub failing: Option<Failing>,
    /// What somebody should know before.
    pub notes: Vec<String>,
}

/// What happens to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// It is new.
    Create,
    /// It is there and becomes different.
    Change,
    /// It goes; what was logged, found and sent because of it stays.
    Drop,
}

/// A kind of object that a policy declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Object {
    /// A watched table.
    Table,
    /// A rule of a table.
    Rule,
    /// A summary of a table.
    Summary,
    /// An alert policy.
    Alert,
    /// A channel.
    Channel,
    /// A route.
    Route,
    /// A silence.
    Silence,
    /// How long what is over is kept.
    Retention,
}

/// One property that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The property.
    pub property: &'static str,
    /// Its value now.
    pub before: String,
    /// Its value after.
    pub after: String,
}

/// How many rows fail a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Failing {
    /// Rows that fail.
    pub failing: i64,
    /// Rows in the table.
    pub rows: i64,
}

/// A table that is closed to writers while its counters start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lock {
    /// The table, as `schema.table`.
    pub table: String,
    /// The lock, as PostgreSQL names it.
    pub mode: &'static str,
    /// About how many rows are read while it is held, by the statistics of the database.
    pub rows: i64,
    /// How often they are read: once for each new counter. New summaries are read while writers go on.
    pub scans: usize,
}

/// Says what [`apply`](crate::apply()) would change. It changes nothing, and takes no lock that a writer would notice.
///
/// It counts how many of the existing rows each new rule would fail, unless the table is larger than 1 GB.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = audit_core::Policy::parse(&std::fs::read_to_string("audit.yml")?, "audit.yml")?;
/// let mut connection = audit_schema::connect("postgresql:///shop")?;
/// print!("{}", audit_schema::plan(&mut connection, &policy)?);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`Error::Policy`] with everything that the database does not understand, each with its place in the file.
pub fn plan(connection: &mut PgConnection, policy: &Policy) -> Result<Plan> {
    let mut plan = None;
    let outcome = connection.transaction::<(), Error, _>(|connection| {
        plan = Some(carry_out(connection, policy, Mode::Try)?);
        Err(Error::Database(diesel::result::Error::RollbackTransaction))
    });
    match (plan, outcome) {
        (Some(plan), _) => Ok(plan),
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Ok(Plan::default()),
    }
}

impl Plan {
    /// Whether the database is as the policy declares it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many objects are created, changed, dropped.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |verb| {
            self.changes
                .iter()
                .filter(|change| change.verb == verb)
                .count()
        };
        (count(Verb::Create), count(Verb::Change), count(Verb::Drop))
    }
}

impl Verb {
    /// The sign before a line of a plan.
    #[must_use]
    pub fn symbol(self) -> char {
        match self {
            Verb::Create => '+',
            Verb::Change => '~',
            Verb::Drop => '-',
        }
    }
}

impl Object {
    /// The word for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Object::Table => "table",
            Object::Rule => "rule",
            Object::Summary => "summary",
            Object::Alert => "alert",
            Object::Channel => "channel",
            Object::Route => "route",
            Object::Silence => "silence",
            Object::Retention => "retain",
        }
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} {:<7} {}",
            self.verb.symbol(),
            self.object.name(),
            self.name
        )?;
        if let (Object::Summary, Some(table)) = (self.object, &self.table) {
            write!(formatter, " of {table}")?;
        }
        if let (Some(severity), Some(action)) = (self.severity, self.action) {
            write!(formatter, "  {} {severity}, {action}", severity.symbol())?;
        }
        if !self.what.is_empty() {
            write!(formatter, ": {}", self.what)?;
        }
        for difference in &self.differences {
            let shown = |text: &str| match text {
                "" => "(nothing)".to_owned(),
                text => text.to_owned(),
            };
            write!(
                formatter,
                "\n    {}: {} → {}",
                difference.property,
                shown(&difference.before),
                shown(&difference.after)
            )?;
        }
        if let Some(Failing { failing, rows }) = self.failing
            && failing > 0
        {
            let verb = if failing == 1 { "fails" } else { "fail" };
            write!(
                formatter,
                "\n    {} of {} rows {verb} it now",
                thousands(failing),
                thousands(rows)
            )?;
        }
        for note in &self.notes {
            write!(formatter, "\n    ! {note}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return writeln!(
                formatter,
                "nothing to do: the database is as the policy declares it"
            );
        }
        let mut section: Option<&str> = None;
        for change in &self.changes {
            // Rules stand below their table, and everything else by itself.
            let table = match change.object {
                Object::Rule => change.table.as_deref(),
                Object::Table => Some(change.name.as_str()),
                _ => None,
            };
            if change.object == Object::Rule && table != section {
                writeln!(formatter, "  table   {}", table.unwrap_or_default())?;
            }
            section = table;
            let indent = if change.object == Object::Rule {
                "  "
            } else {
                ""
            };
            for line in change.to_string().lines() {
                writeln!(formatter, "{indent}{line}")?;
            }
        }
        for lock in &self.locks {
            // The statistics of a table that was never analysed know no rows.
            let what = match lock.rows {
                0 => "it is".to_owned(),
                rows => format!("about {} rows are", thousands(rows)),
            };
            let scans = match lock.scans {
                0 => String::new(),
                1 => format!(", while {what} read once"),
                scans => format!(", while {what} read {scans} times"),
            };
            writeln!(
                formatter,
                "! writers of {} wait ({}){scans}",
                lock.table, lock.mode
            )?;
        }
        let (create, change, drop) = self.counts();
        writeln!(
            formatter,
            "{create} to create, {change} to change, {drop} to drop"
        )
    }
}

fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
