//! Summaries: aggregates of a watched table that are exact at every moment.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Period;

/// An aggregate of a watched table that is exact at every moment.
///
/// Serialised, it is what the database stores in `audit.summary.definition`: groups and measures are arrays, because
/// their order matters to readers.
///
/// # Examples
///
/// ```
/// use audit_core::{Function, Group, Measure, Summary};
///
/// let summary = Summary {
///     name: "departures".to_owned(),
///     table: "public.flights".to_owned(),
///     bucket: None,
///     group_by: vec![Group { name: "origin".to_owned(), expression: "origin".to_owned(), reference: None }],
///     measures: vec![Measure { name: "flights".to_owned(), function: Function::Count, expression: None }],
///     condition: None,
///     retain: None,
/// };
/// assert_eq!(
///     summary.definition(),
///     serde_json::json!({
///         "group_by": [{ "name": "origin", "expression": "origin" }],
///         "measures": [{ "name": "flights", "function": "count", "expression": null }],
///     })
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The name of its view in `audit_compiled`.
    #[serde(default, skip_serializing)]
    pub name: String,
    /// The watched table that is summed up, as `schema.table`.
    #[serde(default, skip_serializing)]
    pub table: String,
    /// One row for each stretch of time, if there is a bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Bucket>,
    /// One row for each combination of these.
    pub group_by: Vec<Group>,
    /// The numbers of each row.
    pub measures: Vec<Measure>,
    /// Only rows for which this SQL condition is true are summed up; `None` means all.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// How long after its end a bucket is kept; `None` means for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retain: Option<Period>,
}

/// Stretches of time, each of which has a row of its own in a summary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// The column that says to which stretch a row belongs.
    pub column: String,
    /// How long a stretch is.
    pub width: Period,
    /// Whose midnight begins a day; the name of a zone, such as `America/New_York`.
    pub time_zone: String,
}

/// What a summary is split by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The column of the summary.
    pub name: String,
    /// A column of the table, or any SQL expression over its row.
    pub expression: String,
    /// The column is a reference, and rows are grouped by another column of the row that it leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
}

/// A column of the table that a `references` rule leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The other table, as `schema.table`.
    pub table: String,
    /// The column of the other table in which the value is found.
    pub key: String,
    /// The column of the other table by which rows are grouped.
    pub column: String,
}

/// One number of a summary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// The column of the summary.
    pub name: String,
    /// How rows become a number.
    pub function: Function,
    /// What is counted, summed or averaged; `None` for [`Function::Count`].
    pub expression: Option<String>,
}

/// How rows become a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Function {
    /// The number of rows.
    Count,
    /// The number of rows for which a condition is true.
    CountIf,
    /// The sum of an expression.
    Sum,
    /// The mean of an expression, over the rows where it is not null.
    Avg,
    /// The least value of an expression.
    Min,
    /// The greatest value of an expression.
    Max,
    /// The sample standard deviation of an expression, over the rows where it is not null.
    Stddev,
}

impl Summary {
    /// What the database stores in `audit.summary.definition`.
    pub fn definition(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }

    /// The columns of the summary's view, in their order: the bucket, the groups, the measures.
    pub fn columns(&self) -> Vec<&str> {
        self.bucket
            .iter()
            .map(|_| "bucket")
            .chain(self.group_by.iter().map(|group| group.name.as_str()))
            .chain(self.measures.iter().map(|measure| measure.name.as_str()))
            .collect()
    }
}

impl Function {
    /// Every function.
    pub const ALL: [Function; 7] = [
        Function::Count,
        Function::CountIf,
        Function::Sum,
        Function::Avg,
        Function::Min,
        Function::Max,
        Function::Stddev,
    ];

    /// The word, as the policy file and the database spell it.
    pub fn name(self) -> &'static str {
        match self {
            Function::Count => "count",
            Function::CountIf => "count_if",
            Function::Sum => "sum",
            Function::Avg => "avg",
            Function::Min => "min",
            Function::Max => "max",
            Function::Stddev => "stddev",
        }
    }
}
