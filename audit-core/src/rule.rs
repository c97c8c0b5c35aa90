//! Rules: what correct data looks like.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::time_rule::{Bounds, Fresh, Gap, Measured, Reconcile, RowCount, Sql, Volume};
use crate::{Action, Error, Format, Period, QuarantineMode, Severity};

/// A statement of what correct data looks like, about the rows of one table.
///
/// A rule fails for a row if and only if its predicate is false; null passes unless [`Rule::nulls`] says otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Unique among the rules of the table.
    pub name: String,
    /// What is compared with what.
    pub kind: RuleKind,
    /// The rule is about rows for which this SQL condition is true; `None` means about all.
    pub condition: Option<String>,
    /// How much a failure matters.
    pub severity: Severity,
    /// What happens to a failing row.
    pub action: Action,
    /// What quarantine does with a failing row; only [`Action::Quarantine`] asks.
    #[serde(default)]
    pub mode: QuarantineMode,
    /// Who has to fix what fails: an e-mail address or a team. Empty if nobody was named.
    pub owner: String,
    /// Why the rule exists, in the words of its owner.
    pub why: String,
    /// How long after it was found a failure may last; `None` means that nobody has to fix it.
    pub fix_within: Option<Period>,
    /// Whether a predicate that is null passes or fails.
    pub nulls: Nulls,
    /// What a rule that itself raises an error does to the write.
    pub on_error: OnError,
    /// The share of rows that has to pass, above 0 and below 1, for the rule to be taken as kept; `None` means all of
    /// them. Every failing row is counted all the same.
    pub mostly: Option<f64>,
    /// The rule is evaluated and counted, but never acts and never alerts.
    pub shadow: bool,
}

/// What a rule compares with what. Serialised, it is the name of the kind and the options of the kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "definition", rename_all = "snake_case")]
pub enum RuleKind {
    /// The column has a value.
    NotNull {
        /// The column.
        column: String,
    },
    /// The column has a value that is more than white space.
    NotBlank {
        /// The column.
        column: String,
    },
    /// The value is one of a list.
    OneOf {
        /// The column.
        column: String,
        /// The list.
        values: Vec<Value>,
    },
    /// The value is none of a list.
    NotOneOf {
        /// The column.
        column: String,
        /// The list.
        values: Vec<Value>,
    },
    /// The value lies between bounds, which belong to the range. At least one is given.
    Range {
        /// The column.
        column: String,
        /// The lowest value, a number or a text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<Value>,
        /// The highest value, a number or a text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<Value>,
    },
    /// The text has so many characters. At least one bound is given.
    Length {
        /// The column.
        column: String,
        /// The least number of characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<u32>,
        /// The greatest number of characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<u32>,
    },
    /// The text matches a regular expression of PostgreSQL.
    Matches {
        /// The column.
        column: String,
        /// The regular expression.
        pattern: String,
    },
    /// The text is written in a well-known format.
    Format {
        /// The column.
        column: String,
        /// The format.
        format: Format,
    },
    /// The time is not after the moment of the write.
    NotFuture {
        /// The column.
        column: String,
        /// By how much clocks may differ.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tolerance: Option<Period>,
    },
    /// Any SQL condition over the row.
    Expression {
        /// The condition.
        expression: String,
    },
    /// The value is found in a column of another table.
    References {
        /// The column.
        column: String,
        /// The other table, as `schema.table`.
        table: String,
        /// The column of the other table.
        key: String,
    },
    /// No two rows have the same values.
    Unique {
        /// The columns that are compared together.
        columns: Vec<String>,
    },
    /// No two rows with the same values last at the same time: from the start, which belongs to it, to the end, which
    /// does not. An end that is null is open.
    NoOverlap {
        /// The columns that say what may not be taken twice; none means that all rows are compared.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        columns: Vec<String>,
        /// The column in which a row begins: a time or a number.
        from: String,
        /// The column in which it ends.
        to: String,
    },
    /// The value does not change once it is written.
    Immutable {
        /// The column.
        column: String,
    },
    /// The value changes only as allowed. Staying the same is always allowed.
    Transition {
        /// The column.
        column: String,
        /// To which values each value may change; one that is not named may not change.
        allowed: BTreeMap<String, Vec<Value>>,
    },
    /// The number changes by no more than so much in one update. At least one bound is given.
    MaxChange {
        /// The column.
        column: String,
        /// The greatest difference between the values before and after.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        absolute: Option<Value>,
        /// The greatest difference as a share of the value before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        relative: Option<Value>,
    },
    /// Only these write to the table: insert, update, delete or truncate. At least one list is given; where both are,
    /// both have to hold.
    Writers {
        /// Roles: the one that logged in, or the one it has taken on with `set role`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        roles: Vec<String>,
        /// Values of `application_name`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        applications: Vec<String>,
    },
    /// The newest change, or the newest value of a column, is not too old.
    Fresh(Fresh),
    /// Every stretch of time has at least one row.
    Gap(Gap),
    /// The last window that is over has neither too few nor too many rows.
    RowCount(RowCount),
    /// The last window that is over has about as many rows as the same one in other weeks.
    Volume(Volume),
    /// Two tables agree.
    Reconcile(Reconcile),
    /// A query gives no row.
    Sql(Sql),
    /// A value of a summary lies between bounds.
    Bounds(Bounds),
}

/// Whether a predicate that is null passes or fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nulls {
    /// It passes.
    #[default]
    Pass,
    /// It fails.
    Fail,
}

/// What a rule that itself raises an error does to the write. It is never counted as a pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// The write goes on and the error is recorded.
    #[default]
    Pass,
    /// The write fails.
    Block,
}

impl RuleKind {
    /// The names of all kinds, as the policy file and the database spell them.
    pub const NAMES: [&'static str; 24] = [
        "not_null",
        "not_blank",
        "one_of",
        "not_one_of",
        "range",
        "length",
        "matches",
        "format",
        "not_future",
        "expression",
        "references",
        "unique",
        "no_overlap",
        "immutable",
        "transition",
        "max_change",
        "writers",
        "fresh",
        "gap",
        "row_count",
        "volume",
        "reconcile",
        "sql",
        "bounds",
    ];

    /// The names of the kinds that the tick asks, because no write would notice.
    pub const TIME_DRIVEN: [&'static str; 7] = [
        "fresh",
        "gap",
        "row_count",
        "volume",
        "reconcile",
        "sql",
        "bounds",
    ];

    /// The name of the kind.
    pub fn name(&self) -> &'static str {
        match self {
            RuleKind::NotNull { .. } => "not_null",
            RuleKind::NotBlank { .. } => "not_blank",
            RuleKind::OneOf { .. } => "one_of",
            RuleKind::NotOneOf { .. } => "not_one_of",
            RuleKind::Range { .. } => "range",
            RuleKind::Length { .. } => "length",
            RuleKind::Matches { .. } => "matches",
            RuleKind::Format { .. } => "format",
            RuleKind::NotFuture { .. } => "not_future",
            RuleKind::Expression { .. } => "expression",
            RuleKind::References { .. } => "references",
            RuleKind::Unique { .. } => "unique",
            RuleKind::NoOverlap { .. } => "no_overlap",
            RuleKind::Immutable { .. } => "immutable",
            RuleKind::Transition { .. } => "transition",
            RuleKind::MaxChange { .. } => "max_change",
            RuleKind::Writers { .. } => "writers",
            RuleKind::Fresh(_) => "fresh",
            RuleKind::Gap(_) => "gap",
            RuleKind::RowCount(_) => "row_count",
            RuleKind::Volume(_) => "volume",
            RuleKind::Reconcile(_) => "reconcile",
            RuleKind::Sql(_) => "sql",
            RuleKind::Bounds(_) => "bounds",
        }
    }

    /// The columns that the kind names; none for an expression or a query, whose columns only the database can tell, and
    /// none for writers, who are not in the row.
    pub fn columns(&self) -> Vec<&str> {
        match self {
            RuleKind::NotNull { column }
            | RuleKind::NotBlank { column }
            | RuleKind::OneOf { column, .. }
            | RuleKind::NotOneOf { column, .. }
            | RuleKind::Range { column, .. }
            | RuleKind::Length { column, .. }
            | RuleKind::Matches { column, .. }
            | RuleKind::Format { column, .. }
            | RuleKind::NotFuture { column, .. }
            | RuleKind::References { column, .. }
            | RuleKind::Immutable { column }
            | RuleKind::Transition { column, .. }
            | RuleKind::MaxChange { column, .. } => vec![column],
            RuleKind::Unique { columns } => columns.iter().map(String::as_str).collect(),
            RuleKind::NoOverlap { columns, from, to } => {
                let names = columns.iter().chain([from, to]);
                names.map(String::as_str).collect()
            }
            RuleKind::Fresh(Fresh { rows, .. })
            | RuleKind::Gap(Gap { rows, .. })
            | RuleKind::RowCount(RowCount { rows, .. })
            | RuleKind::Volume(Volume { rows, .. }) => rows.columns(),
            RuleKind::Reconcile(Reconcile {
                measure, group_by, ..
            }) => {
                let column = match measure {
                    Measured::Count => None,
                    Measured::Sum { column, .. } => Some(column),
                };
                let names = column.into_iter().chain(group_by);
                names.map(String::as_str).collect()
            }
            RuleKind::Expression { .. }
            | RuleKind::Writers { .. }
            | RuleKind::Sql(_)
            | RuleKind::Bounds(_) => Vec::new(),
        }
    }

    /// Whether the tick asks it, so that it costs a writer nothing.
    pub fn is_time_driven(&self) -> bool {
        Self::TIME_DRIVEN.contains(&self.name())
    }

    /// Whether the kind looks at one row by itself: neither at other rows nor at the row before.
    pub fn is_about_one_row(&self) -> bool {
        matches!(
            self,
            RuleKind::NotNull { .. }
                | RuleKind::NotBlank { .. }
                | RuleKind::OneOf { .. }
                | RuleKind::NotOneOf { .. }
                | RuleKind::Range { .. }
                | RuleKind::Length { .. }
                | RuleKind::Matches { .. }
                | RuleKind::Format { .. }
                | RuleKind::NotFuture { .. }
                | RuleKind::Expression { .. }
        )
    }

    /// The name a rule has if the policy gives it none: the kind and the columns. `None` for an expression and a query.
    ///
    /// # Examples
    ///
    /// ```
    /// use audit_core::RuleKind;
    ///
    /// let kind = RuleKind::NotNull { column: "tailnum".to_owned() };
    /// assert_eq!(kind.default_name().as_deref(), Some("not_null_tailnum"));
    /// ```
    pub fn default_name(&self) -> Option<String> {
        match self {
            RuleKind::Expression { .. } | RuleKind::Sql(_) => None,
            RuleKind::Bounds(bounds) => Some(format!("bounds_{}", bounds.on)),
            other if other.columns().is_empty() => Some(other.name().to_owned()),
            other => Some(format!("{}_{}", other.name(), other.columns().join("_"))),
        }
    }

    /// The options of the kind, as the database stores them in `audit.rule.definition`.
    ///
    /// # Examples
    ///
    /// ```
    /// use audit_core::RuleKind;
    ///
    /// let kind = RuleKind::References {
    ///     column: "carrier".to_owned(),
    ///     table: "public.airlines".to_owned(),
    ///     key: "carrier".to_owned(),
    /// };
    /// assert_eq!(
    ///     kind.definition(),
    ///     serde_json::json!({ "column": "carrier", "table": "public.airlines", "key": "carrier" })
    /// );
    /// assert_eq!(RuleKind::from_definition("references", kind.definition()).unwrap(), kind);
    /// ```
    pub fn definition(&self) -> Value {
        match serde_json::to_value(self) {
            Ok(Value::Object(mut object)) => object.remove("definition").unwrap_or(Value::Null),
            _ => Value::Null,
        }
    }

    /// Reads a kind back from what the database stores.
    ///
    /// # Errors
    ///
    /// When the kind is unknown or the definition does not fit it.
    pub fn from_definition(kind: &str, definition: Value) -> Result<Self, Error> {
        serde_json::from_value(serde_json::json!({ "kind": kind, "definition": definition }))
            .map_err(|source| Error::RuleDefinition {
                kind: kind.to_owned(),
                source,
            })
    }

    /// One line that says what the rule demands, for people.
    ///
    /// # Examples
    ///
    /// ```
    /// use audit_core::RuleKind;
    ///
    /// let kind = RuleKind::Range { column: "air_time".to_owned(), min: Some(1.into()), max: Some(1440.into()) };
    /// assert_eq!(kind.to_string(), "air_time between 1 and 1440");
    /// ```
    fn demand(&self) -> String {
        let list = |values: &[Value]| values.iter().map(plain).collect::<Vec<_>>().join(", ");
        match self {
            RuleKind::NotNull { column } => format!("{column} is not null"),
            RuleKind::NotBlank { column } => format!("{column} is not blank"),
            RuleKind::OneOf { column, values } => format!("{column} is one of {}", list(values)),
            RuleKind::NotOneOf { column, values } => {
                format!("{column} is none of {}", list(values))
            }
            RuleKind::Range { column, min, max } => match (min, max) {
                (Some(min), Some(max)) => {
                    format!("{column} between {} and {}", plain(min), plain(max))
                }
                (Some(min), None) => format!("{column} at least {}", plain(min)),
                (None, Some(max)) => format!("{column} at most {}", plain(max)),
                (None, None) => format!("{column} is anything"),
            },
            RuleKind::Length { column, min, max } => match (min, max) {
                (Some(min), Some(max)) => format!("{column} has {min} to {max} characters"),
                (Some(min), None) => format!("{column} has at least {min} characters"),
                (None, Some(max)) => format!("{column} has at most {max} characters"),
                (None, None) => format!("{column} has any length"),
            },
            RuleKind::Matches { column, pattern } => format!("{column} matches {pattern}"),
            RuleKind::Format { column, format } => format!("{column} is {}", format.label()),
            RuleKind::NotFuture { column, tolerance } => match tolerance {
                Some(tolerance) => format!("{column} is at most {tolerance} in the future"),
                None => format!("{column} is not in the future"),
            },
            RuleKind::Expression { expression } => expression.clone(),
            RuleKind::References { column, table, key } => format!("{column} is in {table}.{key}"),
            RuleKind::Unique { columns } => match columns.split_last() {
                Some((last, rest)) if !rest.is_empty() => {
                    format!("{} and {last} are unique together", rest.join(", "))
                }
                _ => format!("{} is unique", columns.concat()),
            },
            RuleKind::NoOverlap { columns, from, to } if columns.is_empty() => {
                format!("no two rows overlap from {from} to {to}")
            }
            RuleKind::NoOverlap { columns, from, to } => format!(
                "no two rows of one {} overlap from {from} to {to}",
                columns.join(" and ")
            ),
            RuleKind::Immutable { column } => format!("{column} does not change"),
            RuleKind::Transition { column, allowed } => {
                let ways: Vec<String> = allowed
                    .iter()
                    .map(|(from, to)| match to.as_slice() {
                        [] => format!("{from} to nothing"),
                        to => format!("{from} to {}", list(to)),
                    })
                    .collect();
                format!("{column} changes only from {}", ways.join("; "))
            }
            RuleKind::MaxChange {
                column,
                absolute,
                relative,
            } => {
                let bounds = [
                    absolute.as_ref().map(plain),
                    relative
                        .as_ref()
                        .map(|share| format!("{} of what it was", plain(share))),
                ];
                let bounds: Vec<String> = bounds.into_iter().flatten().collect();
                format!("{column} changes by at most {}", bounds.join(" and "))
            }
            RuleKind::Writers {
                roles,
                applications,
            } => {
                let who = [("role", roles), ("application", applications)]
                    .into_iter()
                    .filter(|(_, names)| !names.is_empty())
                    .map(|(what, names)| format!("{what} {}", names.join(" or ")));
                format!("only {} writes", who.collect::<Vec<_>>().join(" with "))
            }
            RuleKind::Fresh(fresh) => fresh.to_string(),
            RuleKind::Gap(gap) => gap.to_string(),
            RuleKind::RowCount(row_count) => row_count.to_string(),
            RuleKind::Volume(volume) => volume.to_string(),
            RuleKind::Reconcile(reconcile) => reconcile.to_string(),
            RuleKind::Sql(sql) => sql.to_string(),
            RuleKind::Bounds(bounds) => bounds.to_string(),
        }
    }
}

impl fmt::Display for RuleKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.demand())
    }
}

impl Nulls {
    /// The word, as the policy file and the database spell it.
    pub fn name(self) -> &'static str {
        match self {
            Nulls::Pass => "pass",
            Nulls::Fail => "fail",
        }
    }
}

impl OnError {
    /// The word, as the policy file and the database spell it.
    pub fn name(self) -> &'static str {
        match self {
            OnError::Pass => "pass",
            OnError::Block => "block",
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
