//! The policy: the one file in which a team declares everything.

mod alert;
mod channel;
mod error;
mod kind;
mod node;
mod privacy;
mod read;
mod route;
mod suggest;
mod summary;
mod table;
mod time_rule;

use std::collections::HashMap;

pub use error::{Location, PolicyErrors, Problem};

use crate::{AlertPolicy, Channel, Period, Retention, Route, Rule, Severity, Summary};

/// What a team declares: watched tables with their rules, summaries, alerts, channels and routes.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The version of the language of the file: 1.
    pub version: u32,
    /// What holds where nothing else is said.
    pub defaults: Defaults,
    /// The watched tables, in the order of the file.
    pub tables: Vec<TablePolicy>,
    /// The summaries, in the order of the file.
    pub summaries: Vec<Summary>,
    /// The alert policies, in the order of the file.
    pub alerts: Vec<AlertPolicy>,
    /// The channels, in the order of the file.
    pub channels: Vec<Channel>,
    /// The routes; the first that matches an alert wins.
    pub routes: Vec<Route>,
    /// The text it was read from, and where in it everything stands.
    source: Source,
}

/// What holds where nothing else is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// Who answers for tables and rules that name no owner. Empty if nobody is named.
    pub owner: String,
    /// How long a failure may last, by severity.
    pub fix_within: HashMap<Severity, Option<Period>>,
    /// How long what is over is kept, of tables that say nothing else.
    pub retain: Retention,
}

/// A watched table and its rules.
#[derive(Clone, Debug, PartialEq)]
pub struct TablePolicy {
    /// The table, as `schema.table`.
    pub name: String,
    /// Why the table is audited, in the words of its owner.
    pub why: String,
    /// Who answers for the data of the table.
    pub owner: String,
    /// Columns whose values never enter the log.
    pub redact: Vec<String>,
    /// Columns of which a hash enters the log.
    pub hash: Vec<String>,
    /// How long what belongs to the table is kept, where that differs from the defaults.
    pub retain: Retention,
    /// The rules, in the order of the file; one for each column.
    pub rules: Vec<Rule>,
}

/// Something that a policy declares, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Declared {
    /// A watched table.
    Table(String),
    /// A rule of a table.
    Rule {
        /// The table.
        table: String,
        /// The rule.
        rule: String,
    },
    /// A summary.
    Summary(String),
    /// An alert policy.
    Alert(String),
    /// A channel.
    Channel(String),
    /// A route, by its place from 0.
    Route(usize),
}

/// The part of a declaration that an error is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The declaration as a whole: its name.
    Name,
    /// A column that it names.
    Column(String),
    /// The expression of a rule, or the `when` of an alert.
    Expression,
    /// The `until` of an alert.
    Ending,
    /// Its `where`.
    Condition,
    /// The table that it refers to.
    Reference,
    /// The action of a rule.
    Action,
    /// A group of a summary.
    Group(String),
    /// A measure of a summary.
    Measure(String),
    /// The bucket of a summary.
    Bucket,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Source {
    file: String,
    lines: Vec<String>,
    places: HashMap<(Declared, Part), Location>,
}

impl Policy {
    /// Reads a policy. `file` is the name that errors give it.
    ///
    /// # Examples
    ///
    /// ```
    /// use audit_core::{Action, Policy, RuleKind, Severity};
    ///
    /// let policy = Policy::parse(
    ///     "
    /// version: 1
    /// tables:
    ///   public.flights:
    ///     why: Departures drive crew and gate planning.
    ///     rules:
    ///       - one_of: { origin: [EWR, JFK, LGA] }
    ///         severity: critical
    ///         action: quarantine
    /// ",
    ///     "audit.yml",
    /// )
    /// .unwrap();
    /// let rule = &policy.tables[0].rules[0];
    /// assert_eq!(rule.name, "one_of_origin");
    /// assert_eq!((rule.severity, rule.action), (Severity::Critical, Action::Quarantine));
    /// ```
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file, each with its place and with what was expected.
    ///
    /// ```
    /// let errors = audit_core::Policy::parse("version: 1\ntabels: {}\n", "audit.yml").unwrap_err();
    /// assert_eq!(
    ///     errors.problems[0].to_string(),
    ///     "audit.yml:2:1: unknown key `tabels` in a policy\n  |\n2 | tabels: {}\n  | ^^^^^^\n  = did you mean `tables`?"
    /// );
    /// ```
    pub fn parse(text: &str, file: &str) -> Result<Policy, PolicyErrors> {
        read::read(text, file)
    }

    /// The file that the policy was read from.
    pub fn file(&self) -> &str {
        &self.source.file
    }

    /// Where a part of a declaration stands in the file. Where the part itself is not written, it is the place of
    /// the declaration's name.
    pub fn locate(&self, declared: &Declared, part: &Part) -> Option<Location> {
        self.source.locate(declared, part)
    }

    /// An error about a part of a declaration, found by somebody who knows more than the reader: the database.
    pub fn problem(
        &self,
        declared: &Declared,
        part: &Part,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Problem {
        let location = self.locate(declared, part);
        self.source.problem(location, message, help)
    }
}

/// "did you mean …?", if one of the candidates is near to what was written.
///
/// # Examples
///
/// ```
/// use audit_core::policy::did_you_mean;
///
/// assert_eq!(did_you_mean("tailnumber", ["tailnum", "origin"]).as_deref(), Some("did you mean `tailnum`?"));
/// assert_eq!(did_you_mean("elephant", ["tailnum", "origin"]), None);
/// ```
pub fn did_you_mean<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    suggest::nearest(written, candidates).map(|meant| format!("did you mean `{meant}`?"))
}

impl Source {
    fn locate(&self, declared: &Declared, part: &Part) -> Option<Location> {
        let place = |part: &Part| self.places.get(&(declared.clone(), part.clone())).copied();
        place(part).or_else(|| place(&Part::Name))
    }

    fn problem(
        &self,
        location: Option<Location>,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Problem {
        Problem {
            file: self.file.clone(),
            location,
            source_line: location
                .and_then(|at| self.lines.get(at.line.saturating_sub(1)))
                .map(|line| printable(line))
                .unwrap_or_default(),
            skipped: 0,
            message: printable(&message.into()),
            help,
        }
        .cut()
    }
}

/// A text of a file that nobody has checked must not steer the terminal that shows it.
fn printable(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' | '\t' => character,
            _ if character.is_control() => '\u{fffd}',
            _ => character,
        })
        .collect()
}
