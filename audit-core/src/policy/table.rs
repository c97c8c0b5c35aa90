//! Reading watched tables and their rules.

use std::collections::HashMap;

use serde_json::Value;

use super::node::{Node, Tree};
use super::read::{Entry, Fields, Reader, one_of};
use super::suggest::nearest;
use super::{Declared, Defaults, Location, Part, TablePolicy};
use crate::{Action, Format, Nulls, OnError, Rule, RuleKind, Severity};

/// What every rule may say, whatever its kind.
const ATTRIBUTES: [&str; 9] = [
    "name",
    "severity",
    "action",
    "owner",
    "why",
    "fix_within",
    "where",
    "nulls",
    "on_error",
];
/// Kinds of the design that are not built yet.
const LATER_KINDS: [&str; 14] = [
    "immutable",
    "transition",
    "max_change",
    "writers",
    "no_overlap",
    "row_count",
    "bounds",
    "fresh",
    "volume",
    "gap",
    "reconcile",
    "sql",
    "schema",
    "distribution",
];
/// Attributes of the design that are not built yet.
const LATER_ATTRIBUTES: [&str; 3] = ["mostly", "shadow", "mode"];

/// One rule as it stands in the file: a short form may stand for several.
struct Kind {
    kind: RuleKind,
    column: Option<(String, Location)>,
    /// The column's options, or the expression.
    expression: Option<Location>,
    reference: Option<Location>,
    more_columns: Vec<(String, Location)>,
}

impl Reader {
    pub(super) fn tables(&mut self, policy: &Fields<'_>, defaults: &Defaults) -> Vec<TablePolicy> {
        let Some(tables) = policy
            .get("tables")
            .and_then(|entry| self.map(entry.node, "`tables`"))
        else {
            return Vec::new();
        };
        tables
            .iter()
            .filter_map(|entry| self.table(entry, defaults))
            .collect()
    }

    fn table(&mut self, entry: Entry<'_>, defaults: &Defaults) -> Option<TablePolicy> {
        self.qualified_name(entry.key, entry.name);
        self.note(
            &Declared::Table(entry.name.to_owned()),
            Part::Name,
            entry.key,
        );
        let mut table = TablePolicy {
            name: entry.name.to_owned(),
            why: String::new(),
            owner: defaults.owner.clone(),
            rules: Vec::new(),
        };
        // A table that is only watched needs no words.
        if matches!(entry.node.value, Tree::Null) {
            return Some(table);
        }
        let fields = self.fields(
            entry.node,
            "a table",
            &["why", "owner", "rules"],
            &[
                "retain", "redact", "hash", "mode", "columns", "snapshot", "capture",
            ],
        )?;
        table.why = self.optional_text(&fields, "why").unwrap_or_default();
        if let Some(owner) = self.optional_text(&fields, "owner") {
            table.owner = owner;
        }
        if let Some(rules) = fields
            .get("rules")
            .and_then(|entry| self.list(entry.node, "`rules`"))
        {
            let mut names = HashMap::new();
            for node in rules {
                self.rule(node, &mut table, defaults, &mut names);
            }
        }
        Some(table)
    }

    fn rule(
        &mut self,
        node: &Node,
        table: &mut TablePolicy,
        defaults: &Defaults,
        names: &mut HashMap<String, Location>,
    ) {
        let Some(fields) = self.map(node, "a rule") else {
            return;
        };
        let kind_entry = self.kind_entry(&fields);

        // Read all attributes, also when the kind is wrong: their errors are worth knowing at the same time.
        let name = fields.get("name").and_then(|entry| {
            let text = self.text(entry.node, "`name`")?;
            (self.plain_name(entry.node.at, &text, "a rule")).then_some((text, entry.node.at))
        });
        let severity = match fields.get("severity") {
            Some(entry) => self.severity(entry.node),
            None => Some(Severity::Normal),
        };
        let action = self
            .optional_word(
                &fields,
                "action",
                &Action::ALL.map(|action| (action.name(), action)),
            )
            .unwrap_or_default();
        let owner = self
            .optional_text(&fields, "owner")
            .unwrap_or_else(|| table.owner.clone());
        let why = self.optional_text(&fields, "why").unwrap_or_default();
        let condition = self.optional_text(&fields, "where");
        let nulls = self
            .optional_word(
                &fields,
                "nulls",
                &[Nulls::Pass, Nulls::Fail].map(|nulls| (nulls.name(), nulls)),
            )
            .unwrap_or_default();
        let on_error = self
            .optional_word(
                &fields,
                "on_error",
                &[OnError::Pass, OnError::Block].map(|on_error| (on_error.name(), on_error)),
            )
            .unwrap_or_default();
        let fix_within = match fields.get("fix_within") {
            Some(entry) => self.fix_within(entry.node),
            None => severity.map(|severity| {
                defaults
                    .fix_within
                    .get(&severity)
                    .copied()
                    .unwrap_or_default()
            }),
        };

        let Some(kind_entry) = kind_entry else { return };
        let kinds = self.kinds(kind_entry);
        let several = kinds.len() > 1;
        if let (RuleKind::Expression { .. }, None) = (
            &kinds.first().map_or(
                RuleKind::NotNull {
                    column: String::new(),
                },
                |kind| kind.kind.clone(),
            ),
            fields.get("name"),
        ) {
            self.refuse(
                kind_entry.key,
                "an expression needs a `name`",
                "findings and mails call the rule by it, for example `name: arrived_flights_departed`",
            );
        }
        let (Some(severity), Some(fix_within)) = (severity, fix_within) else {
            return;
        };

        for kind in kinds {
            let at = kind.column.as_ref().map_or(kind_entry.key, |(_, at)| *at);
            let (rule_name, name_at) = match (&name, &kind.column) {
                (Some((name, _)), Some((column, _))) if several => (format!("{name}_{column}"), at),
                (Some((name, name_at)), _) => (name.clone(), *name_at),
                (None, _) => match kind.kind.default_name() {
                    Some(name) => (name, at),
                    None => continue,
                },
            };
            if let Some(first) = names.get(&rule_name) {
                let help = format!(
                    "the first one is in line {}; give one of them a `name` of its own",
                    first.line
                );
                self.refuse(
                    name_at,
                    format!("the table has two rules named `{rule_name}`"),
                    help.as_str(),
                );
                continue;
            }
            names.insert(rule_name.clone(), name_at);
            let declared = Declared::Rule {
                table: table.name.clone(),
                rule: rule_name.clone(),
            };
            self.note(&declared, Part::Name, name_at);
            for (column, at) in kind.column.iter().chain(&kind.more_columns) {
                self.note(&declared, Part::Column(column.clone()), *at);
            }
            for (part, at) in [
                (Part::Expression, kind.expression),
                (Part::Reference, kind.reference),
                (
                    Part::Condition,
                    fields.get("where").map(|entry| entry.node.at),
                ),
                (
                    Part::Action,
                    fields.get("action").map(|entry| entry.node.at),
                ),
            ] {
                if let Some(at) = at {
                    self.note(&declared, part, at);
                }
            }
            table.rules.push(Rule {
                name: rule_name,
                kind: kind.kind,
                condition: condition.clone(),
                severity,
                action,
                owner: owner.clone(),
                why: why.clone(),
                fix_within,
                nulls,
                on_error,
            });
        }
    }

    /// The entry that says the kind. Everything else that is not known is reported.
    fn kind_entry<'n>(&mut self, fields: &Fields<'n>) -> Option<Entry<'n>> {
        let mut kind: Option<Entry<'n>> = None;
        let mut explained = false;
        let is_kind = |entry: &Entry<'_>| RuleKind::NAMES.contains(&entry.name);
        let has_kind = fields.iter().any(|entry| is_kind(&entry));
        for entry in fields.iter() {
            if is_kind(&entry) {
                if let Some(first) = kind {
                    self.refuse(
                        entry.key,
                        format!(
                            "a rule has one kind, and this is `{}` and `{}`",
                            first.name, entry.name
                        ),
                        "begin a rule of its own with `- `",
                    );
                } else {
                    kind = Some(entry);
                }
            } else if LATER_KINDS.contains(&entry.name) || LATER_ATTRIBUTES.contains(&entry.name) {
                explained |= LATER_KINDS.contains(&entry.name);
                self.not_yet(entry.key, entry.name);
            } else if !ATTRIBUTES.contains(&entry.name) {
                // Without a kind, a word that is near to none of the kinds may be a misspelt attribute.
                let attribute = has_kind
                    || (nearest(entry.name, RuleKind::NAMES).is_none()
                        && nearest(entry.name, ATTRIBUTES).is_some());
                if attribute {
                    self.unknown_key(entry.key, "a rule", entry.name, &ATTRIBUTES);
                } else {
                    explained = true;
                    self.unknown(entry.key, "kind of rule", entry.name, &RuleKind::NAMES);
                }
            }
        }
        if kind.is_none() && !explained {
            let help = format!("expected {}", one_of(&RuleKind::NAMES));
            self.refuse(fields.at, "the rule has no kind", help.as_str());
        }
        kind
    }

    /// The rules that a kind and its options stand for: one for each column.
    fn kinds(&mut self, entry: Entry<'_>) -> Vec<Kind> {
        let what = format!("`{}`", entry.name);
        match entry.name {
            "not_null" => self.for_each_column(entry, |column| RuleKind::NotNull { column }),
            "not_blank" => self.for_each_column(entry, |column| RuleKind::NotBlank { column }),
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

    fn value(&mut self, node: &Node) -> Option<Value> {
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
        let Tree::Number(number) = &node.value else {
            return None;
        };
        let written: String = self
            .source
            .lines
            .get(node.at.line.saturating_sub(1))?
            .chars()
            .skip(node.at.column.saturating_sub(1))
            .take(node.at.width)
            .collect();
        let digits = written.chars().filter(char::is_ascii_digit).count();
        Some(if number.is_f64() && digits > 15 {
            Value::String(written)
        } else {
            Value::Number(number.clone())
        })
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

    /// A table is named with its schema, so that it means the same for everybody.
    pub(super) fn qualified_name(&mut self, at: Location, name: &str) -> bool {
        let qualified = identifiers(name).len() == 2;
        if !qualified {
            let help = if name.contains('.') {
                "expected `schema.table`".to_owned()
            } else {
                format!("expected `schema.table`, for example `public.{name}`")
            };
            self.refuse(
                at,
                format!("`{name}` does not name a table with its schema"),
                help.as_str(),
            );
        }
        qualified
    }
}

/// The identifiers of a dotted name, in which dots between double quotes do not count. Empty if one of them is.
fn identifiers(name: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quoted) = (0, false);
    for (position, character) in name.char_indices() {
        match character {
            '"' => quoted = !quoted,
            '.' if !quoted => {
                parts.push(&name[start..position]);
                start = position + 1;
            }
            _ => {}
        }
    }
    parts.push(&name[start..]);
    if quoted || parts.iter().any(|part| part.trim().is_empty()) {
        return Vec::new();
    }
    parts
}

fn unquoted(identifier: &str) -> String {
    identifier
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .map_or_else(|| identifier.to_owned(), |name| name.replace("\"\"", "\""))
}
