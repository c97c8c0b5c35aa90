//! Reading the kind of a rule and its options.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Location;
use super::node::{Node, Tree};
use super::read::{Entry, Reader};
use super::table::identifiers;
use crate::{Format, RuleKind};

/// One rule as it stands in the file: a short form may stand for several.
pub(super) struct Kind {
    pub(super) kind: RuleKind,
    pub(super) column: Option<(String, Location)>,
    /// The column's options, or the expression.
    pub(super) expression: Option<Location>,
    pub(super) reference: Option<Location>,
    pub(super) more_columns: Vec<(String, Location)>,
}

impl Reader {
    /// The rules that a kind and its options stand for: one for each column.
    pub(super) fn kinds(&mut self, entry: Entry<'_>) -> Vec<Kind> {
        let what = format!("`{}`", entry.name);
        match entry.name {
            "not_null" => self.for_each_column(entry, |column| RuleKind::NotNull { column }),
            "not_blank" => self.for_each_column(entry, |column| RuleKind::NotBlank { column }),
            "immutable" => self.for_each_column(entry, |column| RuleKind::Immutable { column }),
            "not_future" if !matches!(entry.node.value, Tree::Map(_)) => {
                self.for_each_column(entry, |column| RuleKind::NotFuture {
                    column,
                    tolerance: None,
                })
            }
            "not_future" => self.for_each_option(entry, |reader, column, node| {
                let fields = reader.fields(node, &what, &["tolerance"], &[])?;
                let tolerance = fields
                    .get("tolerance")
                    .map(|entry| reader.period(entry.node, "`tolerance`"));
                Some(RuleKind::NotFuture {
                    column,
                    tolerance: match tolerance {
                        Some(period) => Some(period?),
                        None => None,
                    },
                })
            }),
            "one_of" => self.for_each_option(entry, |reader, column, node| {
                let values = reader.values(node, &what)?;
                Some(RuleKind::OneOf { column, values })
            }),
            "not_one_of" => self.for_each_option(entry, |reader, column, node| {
                let values = reader.values(node, &what)?;
                Some(RuleKind::NotOneOf { column, values })
            }),
            "range" => self.for_each_option(entry, |reader, column, node| {
                let (min, max) = reader.bounds(node, &what)?;
                Some(RuleKind::Range { column, min, max })
            }),
            "length" => self.for_each_option(entry, |reader, column, node| {
                let (min, max) = reader.bounds(node, &what)?;
                let mut count = |bound: Option<Value>| match bound {
                    None => Some(None),
                    Some(value) => match value.as_u64().and_then(|count| u32::try_from(count).ok())
                    {
                        Some(count) => Some(Some(count)),
                        None => {
                            reader.refuse(
                                node.at,
                                "a length is a whole number of characters, not below 0",
                                None,
                            );
                            None
                        }
                    },
                };
                Some(RuleKind::Length {
                    column,
                    min: count(min)?,
                    max: count(max)?,
                })
            }),
            "matches" => self.for_each_option(entry, |reader, column, node| {
                let pattern = reader.text(node, "a pattern")?;
                Some(RuleKind::Matches { column, pattern })
            }),
            "format" => self.for_each_option(entry, |reader, column, node| {
                let format = reader.word(
                    node,
                    "format",
                    &Format::ALL.map(|format| (format.name(), format)),
                )?;
                Some(RuleKind::Format { column, format })
            }),
            "references" => {
                let mut kinds = self.for_each_option(entry, |reader, column, node| {
                    let text = reader.text(node, "a reference")?;
                    let parts = identifiers(&text);
                    let [schema, table, key] = parts.as_slice() else {
                        reader.refuse(
                            node.at,
                            format!("`{text}` does not name a column of a table"),
                            "expected `schema.table.column`",
                        );
                        return None;
                    };
                    Some(RuleKind::References {
                        column,
                        table: format!("{schema}.{table}"),
                        key: unquoted(key),
                    })
                });
                for kind in &mut kinds {
                    kind.reference = kind.expression;
                    // The referenced column is named in the same place as its table.
                    if let (RuleKind::References { key, .. }, Some(at), Some((column, _))) =
                        (&kind.kind, kind.reference, &kind.column)
                        && key != column
                    {
                        kind.more_columns.push((key.clone(), at));
                    }
                }
                kinds
            }
            "unique" => {
                let Some(columns) = self.texts(entry.node, &what) else {
                    return Vec::new();
                };
                vec![Kind {
                    kind: RuleKind::Unique {
                        columns: columns.iter().map(|(column, _)| column.clone()).collect(),
                    },
                    column: None,
                    expression: None,
                    reference: None,
                    more_columns: columns,
                }]
            }
            "no_overlap" => self.no_overlap(entry).into_iter().collect(),
            "transition" => self.for_each_option(entry, |reader, column, node| {
                let allowed = reader.ways(node, &column)?;
                Some(RuleKind::Transition { column, allowed })
            }),
            "max_change" => self.for_each_option(entry, |reader, column, node| {
                let fields = reader.fields(node, &what, &["absolute", "relative"], &[])?;
                if fields.is_empty() {
                    reader.refuse(
                        node.at,
                        format!("{what} needs a bound"),
                        "expected `{ absolute: … }`, `{ relative: … }` or both",
                    );
                    return None;
                }
                let mut bound = |name: &str| match fields.get(name) {
                    None => Some(None),
                    Some(entry) => reader.positive(entry).map(Some),
                };
                let (absolute, relative) = (bound("absolute"), bound("relative"));
                Some(RuleKind::MaxChange {
                    column,
                    absolute: absolute?,
                    relative: relative?,
                })
            }),
            "writers" => self.writers(entry).into_iter().collect(),
            "expression" => {
                let Some(expression) = self.text(entry.node, &what) else {
                    return Vec::new();
                };
                vec![Kind {
                    kind: RuleKind::Expression { expression },
                    column: None,
                    expression: Some(entry.node.at),
                    reference: None,
                    more_columns: Vec::new(),
                }]
            }
            _ => Vec::new(),
        }
    }

    /// `no_overlap: { columns: [room], from: starts_at, to: ends_at }`.
    fn no_overlap(&mut self, entry: Entry<'_>) -> Option<Kind> {
        let what = "`no_overlap`";
        let fields = self.fields(entry.node, what, &["columns", "from", "to"], &[])?;
        let columns = match fields.get("columns") {
            Some(columns) => self.texts(columns.node, "`columns`")?,
            None => Vec::new(),
        };
        let mut end = |name: &str| {
            let text = self.required_text(&fields, name, what, entry.key)?;
            let at = fields.get(name)?.node.at;
            Some((text, at))
        };
        let (from, to) = (end("from"), end("to"));
        let (from, to) = (from?, to?);
        Some(Kind {
            kind: RuleKind::NoOverlap {
                columns: columns.iter().map(|(column, _)| column.clone()).collect(),
                from: from.0.clone(),
                to: to.0.clone(),
            },
            column: None,
            expression: Some(entry.node.at),
            reference: None,
            more_columns: columns.into_iter().chain([from, to]).collect(),
        })
    }

    /// `{ new: [open, cancelled], open: closed, closed: [] }`: from each value to which others.
    fn ways(&mut self, node: &Node, column: &str) -> Option<BTreeMap<String, Vec<Value>>> {
        let what = format!("the changes of `{column}`");
        let fields = self.map(node, &what)?;
        if fields.is_empty() {
            self.refuse(
                node.at,
                format!("{what} must not be empty"),
                "a column that never changes is `immutable`",
            );
            return None;
        }
        let mut allowed = BTreeMap::new();
        for from in fields.iter() {
            let to = match &from.node.value {
                Tree::List(items) if items.is_empty() => Vec::new(),
                Tree::List(_) => self.values(from.node, &what)?,
                _ => vec![self.value(from.node)?],
            };
            allowed.insert(from.name.to_owned(), to);
        }
        Some(allowed)
    }

    /// `writers: { roles: [etl], applications: [billing] }`.
    fn writers(&mut self, entry: Entry<'_>) -> Option<Kind> {
        let fields = self.fields(entry.node, "`writers`", &["roles", "applications"], &[])?;
        if fields.is_empty() {
            self.refuse(
                entry.node.at,
                "`writers` names nobody",
                "expected `{ roles: [ … ] }`, `{ applications: [ … ] }` or both",
            );
            return None;
        }
        let mut names = |name: &str| match fields.get(name) {
            None => Some(Vec::new()),
            Some(entry) => self.texts(entry.node, &format!("`{name}`")).map(|texts| {
                let texts = texts.into_iter();
                texts.map(|(text, _)| text).collect()
            }),
        };
        let (roles, applications) = (names("roles"), names("applications"));
        Some(Kind {
            kind: RuleKind::Writers {
                roles: roles?,
                applications: applications?,
            },
            column: None,
            expression: Some(entry.node.at),
            reference: None,
            more_columns: Vec::new(),
        })
    }

    /// A number above 0.
    fn positive(&mut self, entry: Entry<'_>) -> Option<Value> {
        let number = match &entry.node.value {
            // A number of many digits may stand between quotes.
            Tree::Text(text) if text.parse::<f64>().is_ok_and(f64::is_finite) => {
                Some(Value::String(text.clone()))
            }
            _ => self.number(entry.node),
        };
        let above = |value: &Value| match value {
            Value::Number(number) => number.as_f64().is_some_and(|number| number > 0.0),
            // A number with many digits is kept as it was written.
            Value::String(text) => !text.starts_with('-'),
            _ => false,
        };
        if !number.as_ref().is_some_and(above) {
            self.refuse(
                entry.node.at,
                format!("`{}` must be a number above 0", entry.name),
                None,
            );
            return None;
        }
        number
    }

    /// `not_null: tailnum` and `not_null: [tailnum, dest]`.
    fn for_each_column(
        &mut self,
        entry: Entry<'_>,
        kind: impl Fn(String) -> RuleKind,
    ) -> Vec<Kind> {
        if matches!(entry.node.value, Tree::Map(_)) {
            self.refuse(
                entry.node.at,
                format!("`{}` takes columns, and this is a mapping", entry.name),
                "expected a column, or a list of columns",
            );
            return Vec::new();
        }
        self.texts(entry.node, &format!("`{}`", entry.name))
            .unwrap_or_default()
            .into_iter()
            .map(|(column, at)| Kind {
                kind: kind(column.clone()),
                column: Some((column, at)),
                expression: None,
                reference: None,
                more_columns: Vec::new(),
            })
            .collect()
    }

    /// `range: { distance: …, air_time: … }`.
    fn for_each_option(
        &mut self,
        entry: Entry<'_>,
        mut kind: impl FnMut(&mut Self, String, &Node) -> Option<RuleKind>,
    ) -> Vec<Kind> {
        let what = format!("`{}`", entry.name);
        let Tree::Map(_) = entry.node.value else {
            let help = format!("expected `{}: {{ column: … }}`", entry.name);
            self.refuse(
                entry.node.at,
                format!(
                    "{what} needs a column and its options, and this is {}",
                    entry.node.article()
                ),
                help.as_str(),
            );
            return Vec::new();
        };
        let Some(columns) = self.map(entry.node, &what) else {
            return Vec::new();
        };
        if columns.is_empty() {
            self.refuse(entry.node.at, format!("{what} must not be empty"), None);
        }
        columns
            .iter()
            .filter_map(|option| {
                Some(Kind {
                    kind: kind(self, option.name.to_owned(), option.node)?,
                    column: Some((option.name.to_owned(), option.key)),
                    expression: Some(option.node.at),
                    reference: None,
                    more_columns: Vec::new(),
                })
            })
            .collect()
    }

    fn values(&mut self, node: &Node, what: &str) -> Option<Vec<Value>> {
        let items = self.list(node, what)?;
        let values: Vec<Value> = items.iter().filter_map(|item| self.value(item)).collect();
        (values.len() == items.len()).then_some(values)
    }

    pub(super) fn value(&mut self, node: &Node) -> Option<Value> {
        match &node.value {
            Tree::Bool(value) => Some(Value::Bool(*value)),
            Tree::Number(_) => self.number(node),
            Tree::Text(text) => Some(Value::String(text.clone())),
            Tree::Null => {
                self.refuse(
                    node.at,
                    "null is never equal to anything",
                    "use the rule `not_null`, or `nulls: fail`",
                );
                None
            }
            Tree::List(_) | Tree::Map(_) => {
                self.refuse(
                    node.at,
                    format!(
                        "expected a number or a text, and this is {}",
                        node.article()
                    ),
                    None,
                );
                None
            }
        }
    }

    /// A number, or its text where a floating-point number would be rounded: columns may be numeric.
    fn number(&self, node: &Node) -> Option<Value> {
        match (&node.value, &node.exact) {
            (Tree::Number(_), Some(digits)) => Some(Value::String(digits.clone())),
            (Tree::Number(number), None) => Some(Value::Number(number.clone())),
            _ => None,
        }
    }

    fn bounds(&mut self, node: &Node, what: &str) -> Option<(Option<Value>, Option<Value>)> {
        let fields = self.fields(node, what, &["min", "max"], &[])?;
        if fields.is_empty() {
            self.refuse(
                node.at,
                format!("{what} needs a bound"),
                "expected `{ min: … }`, `{ max: … }` or both",
            );
            return None;
        }
        let mut bound = |name: &str| match fields.get(name) {
            None => Some(None),
            Some(entry) => match &entry.node.value {
                Tree::Number(_) => self.number(entry.node).map(Some),
                Tree::Text(text) => Some(Some(Value::String(text.clone()))),
                _ => {
                    self.refuse(
                        entry.node.at,
                        format!(
                            "`{name}` must be a number or a text, and this is {}",
                            entry.node.article()
                        ),
                        None,
                    );
                    None
                }
            },
        };
        let (min, max) = (bound("min")?, bound("max")?);
        if let (Some(low), Some(high)) = (
            min.as_ref().and_then(Value::as_f64),
            max.as_ref().and_then(Value::as_f64),
        ) && low > high
        {
            self.refuse(
                node.at,
                format!("nothing is at least {low} and at most {high}"),
                "`min` must not be greater than `max`",
            );
            return None;
        }
        Some((min, max))
    }
}

pub(super) fn unquoted(identifier: &str) -> String {
    identifier
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .map_or_else(|| identifier.to_owned(), |name| name.replace("\"\"", "\""))
}
