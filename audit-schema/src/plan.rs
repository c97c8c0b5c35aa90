//! What a policy would change in a database.
//!
//! A plan tries everything that [`apply`](crate::apply()) would do, in a transaction that it rolls back, except for
//! attaching anything to a table: writers of the watched tables notice nothing of it. So whatever the database has to
//! say about a policy (a table that is not there, a predicate that it does not understand) is said at once, each with
//! its place in the file.

use std::fmt;

use audit_core::{Action, Policy, Severity};
use chrono::{DateTime, Utc};
use diesel::{Connection, PgConnection};
use serde::Serialize;

use crate::apply::{How, Progress, carry_out};
use crate::{Error, Result};

/// What a policy would change in a database, or has changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Plan {
    /// The changes: tables with their rules, then summaries, alerts, channels, routes and silences. Empty if the database is as
    /// the policy declares it.
    pub changes: Vec<Planned>,
    /// What writers of the watched tables would notice while it is applied.
    pub locks: Vec<Lock>,
    /// What clients of the watched tables may notice from then on.
    pub notices: Vec<Notice>,
    /// What was declared by SQL, and stays although the policy has it otherwise or not at all.
    pub kept: Vec<Kept>,
}

/// How a plan is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// Drop and change also what was declared by SQL, so that the database becomes exactly what the policy says.
    pub prune: bool,
    /// In tables of up to so many bytes the rows that fail a new rule are counted; of larger ones a sample is looked at.
    pub counted_up_to: i64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            prune: false,
            counted_up_to: 1 << 30,
        }
    }
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
    /// What a rule costs whoever writes.
    pub cost: Option<Cost>,
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
    /// How many rows were looked at, if not all of them: then both numbers are estimates.
    pub sample: Option<i64>,
}

/// What a rule costs whoever writes, by what it looks at. The figures are those of docs/PERFORMANCE.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cost {
    /// It looks at each row by itself.
    Row,
    /// It looks into an index for each row.
    Lookup,
    /// It reads a whole table for each statement, because there is no index.
    Scan,
    /// It compares each updated row with what it was.
    Transition,
    /// It asks who writes.
    Statement,
    /// The tick asks it.
    Time,
}

/// Something that clients of a watched table may notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// The table, as `schema.table`.
    pub table: String,
    /// The rules that cause it.
    pub rules: Vec<String>,
    /// What they may notice.
    pub what: String,
}

/// Something that was declared by SQL, and that the policy has otherwise or not at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// What kind of object it is.
    pub object: Object,
    /// Its name; routes have none, they are kept together.
    pub name: String,
    /// The table of a rule or of a summary, as `schema.table`.
    pub table: Option<String>,
    /// What it demands or does, in one line.
    pub what: String,
    /// The role that declared it.
    pub declared_by: String,
    /// When.
    pub declared_at: DateTime<Utc>,
    /// Whether the policy has something of this name, too.
    pub in_policy: bool,
    /// What the policy has otherwise: `before` is in force.
    pub differences: Vec<Difference>,
}

/// A table that is closed to writers while its counters start.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lock {
    /// The table, as `schema.table`.
    pub table: String,
    /// The lock, as PostgreSQL names it.
    pub mode: &'static str,
    /// About how many rows are read while it is held, by the statistics of the database.
    pub rows: i64,
    /// How often they are read: once for each new counter. New summaries are read while writers go on.
    pub scans: usize,
    /// About how many seconds that takes, by how long the plan itself took to read them. `None` if it did not.
    pub seconds: Option<f64>,
}

/// Says what [`apply`](crate::apply()) would change. It changes nothing, and takes no lock that a writer would notice.
///
/// It counts how many of the existing rows each new rule would fail; in a table larger than 1 GB it looks at a sample.
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
    plan_with(connection, policy, &Options::default(), &mut |_| {})
}

/// As [`plan()`], with options, and telling what is read at the moment.
///
/// # Errors
///
/// As [`plan()`].
pub fn plan_with(
    connection: &mut PgConnection,
    policy: &Policy,
    options: &Options,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Plan> {
    let how = How {
        prune: options.prune,
        counted_up_to: Some(options.counted_up_to),
        ..How::TRIED
    };
    tried(connection, policy, &how, progress)
}

/// Carries a policy out and rolls that back.
pub(crate) fn tried(
    connection: &mut PgConnection,
    policy: &Policy,
    how: &How,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Plan> {
    let mut plan = None;
    let outcome = connection.transaction::<(), Error, _>(|connection| {
        plan = Some(carry_out(connection, policy, how, progress)?);
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

    /// The object of a word, if it is one.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [
            Object::Table,
            Object::Rule,
            Object::Summary,
            Object::Alert,
            Object::Channel,
            Object::Route,
        ]
        .into_iter()
        .find(|object| object.name() == name)
    }
}

impl Cost {
    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Cost::Row => "row predicate",
            Cost::Lookup => "look-up",
            Cost::Scan => "look-up without an index",
            Cost::Transition => "transition",
            Cost::Statement => "writers",
            Cost::Time => "time-driven",
        }
    }

    /// What it costs, in words. Ten row predicates took a tenth of the rate of single-row inserts, and nothing that could
    /// be measured of bulk statements.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Cost::Row => {
                "cheap: evaluated with the row, about 1 % of the rate of single-row writes"
            }
            Cost::Lookup => "a look-up per row, by an index",
            Cost::Scan => "dear: reads the whole table for each statement that writes",
            Cost::Transition => {
                "cheap: updates compare the row with what it was, inserts pay nothing"
            }
            Cost::Statement => "next to nothing: asked once for each statement",
            Cost::Time => "nothing for writers: asked by the tick",
        }
    }
}

impl Failing {
    /// `33 of 100 rows fail it now`.
    #[must_use]
    pub fn in_words(self) -> String {
        let Failing {
            failing,
            rows,
            sample,
        } = self;
        let verb = if failing == 1 { "fails" } else { "fail" };
        match sample {
            None => format!(
                "{} of {} rows {verb} it now",
                thousands(failing),
                thousands(rows)
            ),
            Some(sample) => format!(
                "about {} of {} rows {verb} it now, by a sample of {}",
                thousands(failing),
                thousands(rows),
                thousands(sample)
            ),
        }
    }
}

impl Kept {
    /// Its name with that of its table: `public.orders.range_amount`.
    #[must_use]
    pub fn full_name(&self) -> String {
        match (&self.table, self.object) {
            (Some(table), Object::Rule) => format!("{table}.{}", self.name),
            (Some(table), _) => format!("{} of {table}", self.name),
            (None, _) => self.name.clone(),
        }
    }

    /// What is to be said about it: `declared by alice by SQL; not in the policy`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let otherwise = if self.in_policy {
            "the policy has it otherwise"
        } else {
            "not in the policy"
        };
        format!("declared by {} by SQL; {otherwise}", self.declared_by)
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
        if let Some(failing) = self.failing.filter(|failing| failing.failing > 0) {
            write!(formatter, "\n    {}", failing.in_words())?;
        }
        for note in &self.notes {
            write!(formatter, "\n    ! {note}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() && self.kept.is_empty() {
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
        for notice in &self.notices {
            writeln!(
                formatter,
                "! clients of {} ({}): {}",
                notice.table,
                notice.rules.join(", "),
                notice.what
            )?;
        }
        for kept in &self.kept {
            writeln!(
                formatter,
                "= {:<7} {}: {}",
                kept.object.name(),
                kept.full_name(),
                kept.in_words()
            )?;
        }
        let (create, change, drop) = self.counts();
        write!(
            formatter,
            "{create} to create, {change} to change, {drop} to drop"
        )?;
        match self.kept.len() {
            0 => writeln!(formatter),
            kept => writeln!(formatter, ", {kept} kept"),
        }
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
