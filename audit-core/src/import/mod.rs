//! Tests of other tools, as rules: dbt, Great Expectations, ODCS contracts and SodaCL.
//!
//! Each reader takes a text and gives [`Imported`]: rules of tables, the summaries and alerts that they need, and a
//! [`Coverage`] for every check of the file: whether it was imported, what is different here, or why it is not possible.
//! Whatever it gives can be read as a policy: every rule was read back before it was taken.
//!
//! # Examples
//!
//! ```
//! use audit_core::import::{self, Options, Verdict};
//!
//! let text = "
//! models:
//!   - name: orders
//!     columns:
//!       - name: status
//!         data_tests:
//!           - not_null
//!           - accepted_values:
//!               arguments: { values: [placed, shipped] }
//!               config: { severity: warn }
//! ";
//! let imported = import::dbt(text, "schema.yml", &Options::default()).unwrap();
//! assert_eq!(imported.count(Verdict::Imported), 2);
//! assert!(imported.fragment().contains("- one_of: { status: [placed, shipped] }"));
//! let policy = audit_core::Policy::parse(&imported.fragment(), "orders.yml").unwrap();
//! assert_eq!(policy.tables, imported.tables);
//! ```

mod aggregate;
mod collect;
mod dbt;
mod document;
mod expectation;
mod fragment;
mod gx;
mod mapped;
mod odcs;
mod shape;
mod sodacl;
pub(crate) mod sql;

use std::fmt;

use serde::Serialize;

pub(crate) use odcs::{RULE, SUMMARIES};

use crate::{AlertPolicy, Error, Summary, TablePolicy};

/// What a file itself may leave open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The schema of tables that the file names without one.
    pub schema: String,
    /// The table, as `schema.table`, that a suite of Great Expectations is about: the file does not say.
    pub table: Option<String>,
}

/// The tool that a file is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tool {
    /// dbt: a `manifest.json`, or a property file such as `schema.yml`.
    Dbt,
    /// Great Expectations: a suite.
    Gx,
    /// Open Data Contract Standard: a contract.
    Odcs,
    /// Soda Core: checks.
    Sodacl,
}

/// What came of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The tool that the file is from.
    pub tool: Tool,
    /// The file as it was named to the reader.
    pub file: String,
    /// The tables that have rules now, in the order of the file.
    pub tables: Vec<TablePolicy>,
    /// Summaries whose measures rules look at.
    pub summaries: Vec<Summary>,
    /// Alerts that stand for thresholds on numbers of rows.
    pub alerts: Vec<AlertPolicy>,
    /// Every check of the file, in its order.
    pub coverage: Vec<Coverage>,
}

/// What came of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// The check, as a person would name it: what it is about, and its kind.
    pub check: String,
    /// Its line in the file; `None` in files that a program has written, where [`check`](Coverage::check) says the place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What came of it.
    pub verdict: Verdict,
    /// The table that it is about, as `schema.table`, if one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The names of its rules.
    pub rules: Vec<String>,
    /// What is different, or why it is not possible.
    pub notes: Vec<String>,
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Its rule says the same.
    Imported,
    /// Its rule says nearly the same; the notes say what is different.
    Different,
    /// There is no rule; the notes say why.
    NotPossible,
}

impl fmt::Display for Coverage {
    /// A line with the verdict, the check and its rules, and one for each note.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.verdict.symbol())?;
        if let Some(line) = self.line {
            write!(formatter, " line {line}")?;
        }
        write!(formatter, " {}", self.check)?;
        if !self.rules.is_empty() {
            write!(formatter, " → {}", self.rules.join(", "))?;
        }
        for note in &self.notes {
            write!(formatter, "\n    {note}")?;
        }
        Ok(())
    }
}

impl Verdict {
    /// The sign that stands before a check in a report.
    pub fn symbol(self) -> &'static str {
        match self {
            Verdict::Imported => "✓",
            Verdict::Different => "≈",
            Verdict::NotPossible => "✗",
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Options {
            schema: "public".to_owned(),
            table: None,
        }
    }
}

/// Reads the tests of a dbt project: its `target/manifest.json`, which knows everything, or a property file.
///
/// # Errors
///
/// [`Error::NotImported`] if the text is neither JSON nor YAML, or no such file.
///
/// ```
/// use audit_core::import::{self, Options};
///
/// let error = import::dbt("models: [", "schema.yml", &Options::default()).unwrap_err();
/// assert!(error.to_string().starts_with("schema.yml:1:"));
/// ```
pub fn dbt(text: &str, file: &str, options: &Options) -> Result<Imported, Error> {
    dbt::read(text, file, options)
}

/// Reads a suite of Great Expectations, of version 1 or before.
///
/// # Examples
///
/// ```
/// use audit_core::import::{self, Options};
///
/// let text = r#"{ "name": "orders_suite", "expectations": [
///     { "type": "expect_column_values_to_be_between", "kwargs": { "column": "amount", "min_value": 0, "mostly": 0.99 } }
/// ] }"#;
/// let imported = import::gx(text, "suite.json", &Options::default()).unwrap();
/// assert_eq!(imported.tables[0].name, "public.orders");
/// assert_eq!(imported.tables[0].rules[0].mostly, Some(0.99));
/// ```
///
/// # Errors
///
/// As [`dbt`](dbt()).
pub fn gx(text: &str, file: &str, options: &Options) -> Result<Imported, Error> {
    gx::read(text, file, options)
}

/// Reads a contract of the Open Data Contract Standard, version 3.
///
/// # Examples
///
/// ```
/// use audit_core::import::{self, Options};
///
/// let text = "
/// apiVersion: v3.1.0
/// kind: DataContract
/// id: shop
/// version: 1.0.0
/// status: active
/// schema:
///   - name: orders
///     properties:
///       - { name: id, primaryKey: true }
/// ";
/// let imported = import::odcs(text, "contract.yaml", &Options::default()).unwrap();
/// let names: Vec<&str> = imported.tables[0].rules.iter().map(|rule| rule.name.as_str()).collect();
/// assert_eq!(names, ["not_null_id", "unique_id"]);
/// ```
///
/// # Errors
///
/// As [`dbt`](dbt()).
pub fn odcs(text: &str, file: &str, options: &Options) -> Result<Imported, Error> {
    odcs::read(text, file, options)
}

/// Reads checks in SodaCL, the language of Soda Core 3.
///
/// # Examples
///
/// ```
/// use audit_core::import::{self, Options, Verdict};
///
/// let text = "checks for orders:\n  - missing_percent(region) <= 5%\n  - distribution_difference(amount) > 0.05\n";
/// let imported = import::sodacl(text, "checks.yml", &Options::default()).unwrap();
/// assert_eq!(imported.tables[0].rules[0].mostly, Some(0.95));
/// assert_eq!(imported.coverage[1].verdict, Verdict::NotPossible);
/// ```
///
/// # Errors
///
/// As [`dbt`](dbt()).
pub fn sodacl(text: &str, file: &str, options: &Options) -> Result<Imported, Error> {
    sodacl::read(text, file, options)
}

impl Imported {
    /// The policy, with a comment before each rule that says where it is from and what is different.
    pub fn fragment(&self) -> String {
        fragment::write(self)
    }

    /// How many checks came to a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        let checks = self.coverage.iter();
        checks.filter(|check| check.verdict == verdict).count()
    }

    /// One line that sums up.
    ///
    /// # Examples
    ///
    /// ```
    /// use audit_core::import::{self, Options};
    ///
    /// let imported = import::sodacl("checks for orders:\n  - row_count > 0\n", "checks.yml", &Options::default());
    /// assert_eq!(imported.unwrap().summary(), "1 check: 1 imported, 0 with a difference, 0 not possible");
    /// ```
    pub fn summary(&self) -> String {
        let all = self.coverage.len();
        format!(
            "{all} check{}: {} imported, {} with a difference, {} not possible",
            if all == 1 { "" } else { "s" },
            self.count(Verdict::Imported),
            self.count(Verdict::Different),
            self.count(Verdict::NotPossible),
        )
    }
}

impl Tool {
    /// The word by which `audit import` knows it.
    pub fn word(self) -> &'static str {
        match self {
            Tool::Dbt => "dbt",
            Tool::Gx => "gx",
            Tool::Odcs => "odcs",
            Tool::Sodacl => "sodacl",
        }
    }

    /// What the tool is called.
    pub fn label(self) -> &'static str {
        match self {
            Tool::Dbt => "dbt",
            Tool::Gx => "Great Expectations",
            Tool::Odcs => "ODCS",
            Tool::Sodacl => "SodaCL",
        }
    }
}
