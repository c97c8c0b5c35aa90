//! The policy: the file, or the few files, in which a team declares everything.

mod alert;
mod channel;
mod defaults;
mod error;
mod include;
mod kind;
mod lines;
mod load;
pub(crate) mod node;
mod privacy;
mod read;
mod route;
mod schema;
mod silence;
mod suggest;
mod summary;
pub(crate) mod table;
mod time_rule;
mod variable;
mod write;

use std::collections::HashMap;

pub use error::{Location, PolicyErrors, Problem};
pub use include::{Disk, Loader};
pub use lines::{identifier, kind_options, rule_lines, scalar, value_text};
pub use schema::schema;

use crate::{
    Action, AlertPolicy, Channel, Nulls, OnError, Period, QuarantineMode, Retention, Route, Rule,
    Severity, SilencePolicy, Summary,
};

/// What a team declares: watched tables with their rules, summaries, alerts, channels and routes.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The version of the language of the policy: 1.
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
    /// The silences, in the order of the file.
    pub silences: Vec<SilencePolicy>,
    /// The text it was read from, and where in it everything stands.
    source: Source,
}

/// A policy that declares nothing.
impl Default for Policy {
    fn default() -> Self {
        Policy {
            version: 1,
            defaults: Defaults::default(),
            tables: Vec::new(),
            summaries: Vec::new(),
            alerts: Vec::new(),
            channels: Vec::new(),
            routes: Vec::new(),
            silences: Vec::new(),
            source: Source::default(),
        }
    }
}

/// What holds where nothing else is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// Who answers for tables and rules that name no owner. Empty if nobody is named.
    pub owner: String,
    /// How long a failure may last, by severity.
    pub fix_within: HashMap<Severity, Option<Period>>,
    /// How long what is over is kept, of tables that say nothing else.
    pub retain: Retention,
    /// What rules that do not say it are like.
    pub rules: RuleDefaults,
    /// The time zone of buckets, of the times of rows and of silences that name none; UTC if nobody says.
    pub time_zone: Option<String>,
    /// The longest that a silence may last, whoever asks for it; `None` means as long as one likes.
    pub longest_silence: Option<Period>,
}

/// What rules are like that do not say it. Each holds only for rules that it can be said of: an action, for example, for
/// none that the tick asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleDefaults {
    /// How much a failure matters.
    pub severity: Option<Severity>,
    /// What happens to a row that fails.
    pub action: Option<Action>,
    /// What quarantine does with it.
    pub mode: Option<QuarantineMode>,
    /// Whether a predicate that is null passes.
    pub nulls: Option<Nulls>,
    /// What a rule that itself raises an error does to the write.
    pub on_error: Option<OnError>,
    /// Whether rules are on trial.
    pub shadow: Option<bool>,
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
    /// A silence.
    Silence(String),
    /// The defaults.
    Defaults,
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
    /// The file that was named, then those that it includes.
    files: Vec<SourceFile>,
    places: HashMap<(Declared, Part), Location>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct SourceFile {
    name: String,
    lines: Vec<String>,
}

/// A place that was looked for, as character and byte of its line. A line may be very long, and is read from its start to its
/// end.
#[derive(Clone, Copy, Default)]
struct Cursor {
    file: usize,
    line: usize,
    character: usize,
    byte: usize,
}

impl Policy {
    /// Reads a policy that is one text. `file` is the name that errors give it.
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
        read::read(text.as_bytes(), file, None)
    }

    /// Reads a policy and the files that it includes, and fills in its variables.
    ///
    /// # Examples
    ///
    /// Files and variables may come from anywhere; [`Disk`] takes them from where they usually are.
    ///
    /// ```
    /// use std::io;
    /// use audit_core::policy::{Loader, Policy};
    ///
    /// struct TwoFiles;
    ///
    /// impl Loader for TwoFiles {
    ///     fn read(&self, file: &str, _limit: u64) -> io::Result<Vec<u8>> {
    ///         match file {
    ///             "conf/audit.yml" => Ok(b"version: 1\ninclude: tables/*.yml\n".into()),
    ///             "conf/tables/flights.yml" => Ok(b"tables: { public.flights: { owner: '${TEAM}' } }".into()),
    ///             _ => Err(io::ErrorKind::NotFound.into()),
    ///         }
    ///     }
    ///
    ///     fn list(&self, _folder: &str) -> io::Result<Vec<String>> {
    ///         Ok(vec!["flights.yml".to_owned()])
    ///     }
    ///
    ///     fn variable(&self, name: &str) -> Option<String> {
    ///         (name == "TEAM").then(|| "ops@example.com".to_owned())
    ///     }
    /// }
    ///
    /// let policy = Policy::load("conf/audit.yml", &TwoFiles)?;
    /// assert_eq!(policy.tables[0].owner, "ops@example.com");
    /// assert_eq!(policy.files().last(), Some("conf/tables/flights.yml"));
    /// # Ok::<(), audit_core::PolicyErrors>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the files, each with its place and with what was expected.
    pub fn load(file: &str, loader: &dyn Loader) -> Result<Policy, PolicyErrors> {
        load::load(file, loader)
    }

    /// The policy as the text of a file. What a file says by defaults, this one says with every rule.
    ///
    /// # Examples
    ///
    /// ```
    /// let text = "version: 1\ntables: { public.flights: { rules: [{ not_null: tailnum }] } }";
    /// let policy = audit_core::Policy::parse(text, "audit.yml")?;
    /// assert_eq!(
    ///     policy.to_yaml(),
    ///     "version: 1\ntables:\n  public.flights:\n    rules:\n      - not_null: tailnum\n        severity: normal\n        fix_within: \"7 days\"\n"
    /// );
    /// # Ok::<(), audit_core::PolicyErrors>(())
    /// ```
    pub fn to_yaml(&self) -> String {
        write::yaml(self)
    }

    /// The file that the policy was read from.
    pub fn file(&self) -> &str {
        self.source.name_of(0)
    }

    /// All files that the policy was read from: the one that was named, then those that it includes.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.source.files.iter().map(|file| file.name.as_str())
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

/// An error in a text that is no policy, at a place of it.
pub(crate) fn problem_in(
    text: &str,
    file: &str,
    location: Option<Location>,
    message: impl Into<String>,
    help: Option<String>,
) -> Problem {
    let file = SourceFile {
        name: file.to_owned(),
        lines: text.lines().map(str::to_owned).collect(),
    };
    let source = Source {
        files: vec![file],
        places: HashMap::new(),
    };
    source.problem(location, message, help)
}

impl Source {
    fn locate(&self, declared: &Declared, part: &Part) -> Option<Location> {
        let place = |part: &Part| self.places.get(&(declared.clone(), part.clone())).copied();
        place(part).or_else(|| place(&Part::Name))
    }

    fn name_of(&self, file: usize) -> &str {
        self.files.get(file).map_or("", |file| file.name.as_str())
    }

    fn line(&self, at: Location) -> Option<&str> {
        let lines = &self.files.get(at.file)?.lines;
        lines.get(at.line.checked_sub(1)?).map(String::as_str)
    }

    /// What is written in a place, as far as it is on its line.
    fn written(&self, at: Location, last: &mut Cursor) -> String {
        let line = self.line(at).unwrap_or_default();
        let character = at.column.saturating_sub(1);
        if (last.file, last.line) != (at.file, at.line) || last.character > character {
            *last = Cursor {
                file: at.file,
                line: at.line,
                ..Cursor::default()
            };
        }
        let rest = line.get(last.byte..).unwrap_or_default();
        let Some((step, _)) = rest.char_indices().nth(character - last.character) else {
            return String::new();
        };
        last.character = character;
        last.byte += step;
        rest[step..].chars().take(at.width).collect()
    }

    /// Where a part of what is written in a place stands, if it is found on its line.
    fn within(&self, at: Location, part: &str) -> Location {
        let written = self.written(at, &mut Cursor::default());
        match written.find(part) {
            Some(start) => Location {
                column: at.column + written[..start].chars().count(),
                width: part.chars().count(),
                ..at
            },
            None => at,
        }
    }

    fn problem(
        &self,
        location: Option<Location>,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Problem {
        let excerpt = location.and_then(|at| Some(error::excerpt(self.line(at)?, at.column)));
        let (source_line, skipped) = excerpt.unwrap_or_default();
        Problem {
            file: self.name_of(location.map_or(0, |at| at.file)).to_owned(),
            location,
            source_line: printable(&source_line),
            skipped,
            message: printable(&message.into()),
            help,
        }
    }
}

/// A text of a file that nobody has checked must not steer the terminal that shows it.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' | '\t' => character,
            _ if character.is_control() => '\u{fffd}',
            _ => character,
        })
        .collect()
}
