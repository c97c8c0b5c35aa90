//! Time-driven rules: what the tick asks, because no write would notice it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::Period;

/// What every time-driven rule may say of how it is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// How often at most it is asked; `None` means as often as its question is cheap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Period>,
    /// What it means that there is nothing to judge; `None` means that `fresh` fails, that `gap` stays as it was, and that
    /// the others pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_no_data: Option<OnNoData>,
    /// What it means that the rule itself raises an error; `None` means that what failed before goes on failing, and what
    /// passed goes on passing. It is a state of its own in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_error: Option<OnAskError>,
}

/// How rows are told apart that a time-driven rule looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimedRows {
    /// The column in which rows have their time; `None` means when they were written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Whose midnight begins a day, and in whose time a column without a time zone is; `None` means UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The columns for each combination of whose values the rule is asked by itself; null is a value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group_by: Vec<String>,
}

/// What it means that there is nothing to judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnNoData {
    /// Nothing fails.
    Pass,
    /// What failed before goes on failing.
    Keep,
    /// It is taken as failing.
    Fail,
}

/// What it means that a time-driven rule itself raises an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnAskError {
    /// What failed before goes on failing.
    Keep,
    /// It is taken as failing.
    Fail,
}

/// The newest change, or the newest value of a column, is not too old.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fresh {
    /// How old it may be.
    pub within: Period,
    /// The hours in which it grows older, such as `05:00-23:00 America/New_York`; `None` means always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub during: Option<String>,
    /// Whose newest value it is.
    #[serde(flatten)]
    pub rows: TimedRows,
    /// How it is asked.
    #[serde(flatten)]
    pub asked: Asked,
}

/// Every stretch of time has at least one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// How long a stretch is.
    pub width: Period,
    /// How far it looks back; `None` means 48 stretches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Period>,
    /// Where the stretches end.
    #[serde(default, skip_serializing_if = "Until::is_last")]
    pub until: Until,
    /// In which column the time is.
    #[serde(flatten)]
    pub rows: TimedRows,
    /// How it is asked.
    #[serde(flatten)]
    pub asked: Asked,
}

/// Where the stretches of a [`Gap`] end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Until {
    /// With the last row there is: what is still to come is no gap.
    #[default]
    Last,
    /// With the last stretch that is over.
    Now,
}

/// The last window that is over has neither too few nor too many rows. At least one bound is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCount {
    /// How long a window is.
    pub per: Period,
    /// The least number of rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<u64>,
    /// The greatest number of rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
    /// Which rows belong to a window.
    #[serde(flatten)]
    pub rows: TimedRows,
    /// How it is asked.
    #[serde(flatten)]
    pub asked: Asked,
}

/// The last window that is over has about as many rows as the same one in other weeks: by a robust z-score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// How long a window is: 1 hour or a part of it, 1 day or 1 week.
    pub per: Period,
    /// How far it looks back.
    pub history: Period,
    /// How many windows it has to know before it judges.
    pub minimum: u32,
    /// The z-score above which a number of rows is anomalous.
    pub threshold: Number,
    /// What is looked for.
    #[serde(default, skip_serializing_if = "Direction::is_both")]
    pub direction: Direction,
    /// Which rows belong to a window.
    #[serde(flatten)]
    pub rows: TimedRows,
    /// How it is asked.
    #[serde(flatten)]
    pub asked: Asked,
}

/// What a [`Volume`] rule looks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Too few rows and too many.
    #[default]
    Both,
    /// Too few.
    Drop,
    /// Too many.
    Spike,
}

/// Two tables agree, by group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconcile {
    /// What is compared.
    #[serde(flatten)]
    pub measure: Measured,
    /// The other table or view, as `schema.table`.
    pub table: String,
    /// By how much they may differ; `None` means not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<Number>,
    /// The columns, of the same names in both tables, for each combination of whose values they are compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group_by: Vec<String>,
    /// How it is asked.
    #[serde(flatten)]
    pub asked: Asked,
}

/// What a [`Reconcile`] rule compares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "measure", rename_all = "lowercase")]
pub enum Measured {
    /// The numbers of rows.
    Count,
    /// The sums of two columns.
    Sum {
        /// The column of the table.
        column: String,
        /// The column of the other table.
        its: String,
    },
}

/// A query gives no row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sql {
    /// One SELECT: each row that it gives is a failure.
    pub query: String,
    /// How it is asked.
    #[serde(flatten)]
    pub asked: Asked,
}

/// A value of a summary lies between bounds, in every group. At least one bound is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// The summary.
    pub on: String,
    /// A measure, or an SQL expression over measures.
    pub value: String,
    /// The lowest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Number>,
    /// The highest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Number>,
    /// Only groups for which this SQL condition is true are judged; `None` means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Which bucket is looked at.
    #[serde(default, skip_serializing_if = "WhichBucket::is_current")]
    pub bucket: WhichBucket,
    /// How it is asked.
    #[serde(flatten)]
    pub asked: Asked,
}

/// Which bucket of a summary a [`Bounds`] rule looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhichBucket {
    /// The one that is under way.
    #[default]
    Current,
    /// The last one that is over.
    Complete,
}

impl TimedRows {
    pub(crate) fn columns(&self) -> Vec<&str> {
        let names = self.column.iter().chain(&self.group_by);
        names.map(String::as_str).collect()
    }

    /// What comes after what a rule demands: the column and the groups.
    fn tail(&self) -> String {
        let column = self
            .column
            .as_ref()
            .map_or_else(String::new, |column| format!(" by {column}"));
        format!("{column}{}", each(&self.group_by))
    }
}

impl Until {
    fn is_last(&self) -> bool {
        *self == Until::Last
    }
}

impl Direction {
    fn is_both(&self) -> bool {
        *self == Direction::Both
    }
}

impl WhichBucket {
    fn is_current(&self) -> bool {
        *self == WhichBucket::Current
    }
}

impl fmt::Display for Fresh {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rows.column {
            None => write!(formatter, "something is written")?,
            Some(column) => write!(formatter, "{column} has a new value")?,
        }
        write!(formatter, " every {}", self.within)?;
        if let Some(during) = &self.during {
            write!(formatter, " during {during}")?;
        }
        formatter.write_str(&each(&self.rows.group_by))
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "a row in every {}{}",
            self.width,
            self.rows.tail()
        )?;
        match self.until {
            Until::Last => Ok(()),
            Until::Now => formatter.write_str(" until now"),
        }
    }
}

impl fmt::Display for RowCount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bounds = between(self.min.as_ref(), self.max.as_ref());
        write!(
            formatter,
            "{bounds} rows per {}{}",
            self.per,
            self.rows.tail()
        )
    }
}

impl fmt::Display for Volume {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let few_or_many = match self.direction {
            Direction::Both => "as many rows as",
            Direction::Drop => "no fewer rows than",
            Direction::Spike => "no more rows than",
        };
        write!(
            formatter,
            "{few_or_many} usual per {}{}, by {} weeks",
            self.per,
            self.rows.tail(),
            self.history.to_delta().num_weeks()
        )
    }
}

impl fmt::Display for Reconcile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.measure {
            Measured::Count => write!(formatter, "as many rows as {}", self.table)?,
            Measured::Sum { column, its } => write!(
                formatter,
                "the sum of {column} is that of {}.{its}",
                self.table
            )?,
        }
        if let Some(tolerance) = &self.tolerance {
            write!(formatter, " within {tolerance}")?;
        }
        formatter.write_str(&each(&self.group_by))
    }
}

impl fmt::Display for Sql {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.query.split_whitespace().collect();
        write!(formatter, "no row from {}", words.join(" "))
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bounds = between(self.min.as_ref(), self.max.as_ref());
        write!(formatter, "{} of {} {bounds}", self.value, self.on)?;
        match &self.when {
            None => Ok(()),
            Some(when) => write!(formatter, " when {when}"),
        }
    }
}

fn each(group_by: &[String]) -> String {
    if group_by.is_empty() {
        String::new()
    } else {
        format!(" for each {}", group_by.join(" and "))
    }
}

fn between<T: fmt::Display>(min: Option<&T>, max: Option<&T>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("between {min} and {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => "any number of".to_owned(),
    }
}
