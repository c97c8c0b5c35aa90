//! Reading summaries.

use super::node::{Node, Tree};
use super::read::{Entry, Fields, Reader};
use super::{Declared, Location, Part};
use crate::{Bucket, Function, Group, Measure, Reference, RuleKind, Subject, Summary, TablePolicy};

/// Functions of the design that are not built yet.
const LATER_FUNCTIONS: [&str; 3] = ["count_distinct", "median", "quantile"];

impl Reader {
    pub(super) fn summaries(
        &mut self,
        policy: &Fields<'_>,
        watched: &[TablePolicy],
    ) -> Vec<Summary> {
        let Some(summaries) = policy
            .get("summaries")
            .and_then(|entry| self.map(entry.node, "`summaries`"))
        else {
            return Vec::new();
        };
        let tables: Vec<&str> = policy
            .get("tables")
            .map(|entry| keys(entry.node))
            .unwrap_or_default();
        summaries
            .iter()
            .filter_map(|entry| self.summary(entry, &tables, watched))
            .collect()
    }

    fn summary(
        &mut self,
        entry: Entry<'_>,
        tables: &[&str],
        watched: &[TablePolicy],
    ) -> Option<Summary> {
        self.plain_name(entry.key, entry.name, "a summary");
        if Subject::WORDS.contains(&entry.name) {
            let message = format!("a summary cannot be named `{}`", entry.name);
            self.refuse(
                entry.key,
                message,
                "for alerts this word means something else",
            );
        }
        let declared = Declared::Summary(entry.name.to_owned());
        self.note(&declared, Part::Name, entry.key);
        let fields = self.fields(
            entry.node,
            "a summary",
            &["from", "bucket", "group_by", "measures", "where", "retain"],
            &["why", "owner", "anomaly", "bounds"],
        )?;

        let table = self.required_text(&fields, "from", "a summary", entry.key);
        if let (Some(table), Some(from)) = (&table, fields.get("from")) {
            self.note(&declared, Part::Reference, from.node.at);
            if !tables.contains(&table.as_str()) {
                self.undeclared(from.node.at, "watched table", table, tables);
            }
        }
        let condition = self.optional_text(&fields, "where");
        if let Some(entry) = fields.get("where") {
            self.note(&declared, Part::Condition, entry.node.at);
        }
        let bucket = fields
            .get("bucket")
            .map(|entry| self.bucket(entry, &declared));
        let retain = self.optional_period(&fields, "retain");
        if let (Some(entry), None) = (fields.get("retain"), fields.get("bucket")) {
            self.refuse(
                entry.key,
                "`retain` is about buckets, and the summary has none",
                "add `bucket: { column: …, width: 1 day }`, or leave out `retain`",
            );
        }
        let of = table
            .as_ref()
            .and_then(|table| watched.iter().find(|of| of.name == *table));
        let group_by = match fields.get("group_by") {
            Some(entry) => self.groups(entry.node, &declared, of),
            None => Some(Vec::new()),
        };
        let measures = match fields.get("measures") {
            Some(entry) => self.measures(entry.node, &declared),
            None => {
                self.missing(entry.key, "measures", "a summary");
                None
            }
        };
        let summary = Summary {
            name: entry.name.to_owned(),
            table: table?,
            bucket: match bucket {
                Some(bucket) => Some(bucket?),
                None => None,
            },
            group_by: group_by?,
            measures: measures?,
            condition,
            retain,
        };
        self.columns_are_distinct(&summary, &declared, entry.key);
        Some(summary)
    }

    fn bucket(&mut self, entry: Entry<'_>, declared: &Declared) -> Option<Bucket> {
        self.note(declared, Part::Bucket, entry.node.at);
        let fields = self.fields(
            entry.node,
            "`bucket`",
            &["column", "width", "time_zone"],
            &["origin"],
        )?;
        let column = self.required_text(&fields, "column", "a bucket", entry.key);
        if let (Some(column), Some(entry)) = (&column, fields.get("column")) {
            self.note(declared, Part::Column(column.clone()), entry.node.at);
        }
        let width = match fields.get("width") {
            Some(entry) => {
                let width = self.period(entry.node, "`width`");
                if width.is_some_and(|width| width.count() == 0) {
                    self.refuse(entry.node.at, "a bucket must last some time", None);
                }
                width
            }
            None => {
                self.missing(entry.key, "width", "a bucket");
                None
            }
        };
        let time_zone = match fields.get("time_zone") {
            None => Some(self.time_zone.clone().unwrap_or_else(|| "UTC".to_owned())),
            Some(entry) => self
                .text(entry.node, "`time_zone`")
                .filter(|zone| self.time_zone_is_known(entry.node.at, zone)),
        };
        Some(Bucket {
            column: column?,
            width: width?,
            time_zone: time_zone?,
        })
    }

    /// Whether a time zone has such a name; one that has not is reported.
    pub(super) fn time_zone_is_known(&mut self, at: Location, zone: &str) -> bool {
        let known = zone.parse::<chrono_tz::Tz>().is_ok();
        if !known {
            let names: Vec<&str> = chrono_tz::TZ_VARIANTS
                .iter()
                .map(|zone| zone.name())
                .collect();
            let help = super::suggest::nearest(zone, names).map_or_else(
                || "expected a name such as `America/New_York`".to_owned(),
                |meant| format!("did you mean `{meant}`?"),
            );
            self.refuse(at, format!("unknown time zone `{zone}`"), help.as_str());
        }
        known
    }

    /// `[origin]`, or `[{ long_haul: distance > 2000 }]`, or `[{ airline: carrier -> name }]`, or a mapping of names and
    /// expressions.
    fn groups(
        &mut self,
        node: &Node,
        declared: &Declared,
        table: Option<&TablePolicy>,
    ) -> Option<Vec<Group>> {
        let mut groups = Vec::new();
        let mut wrong = false;
        let items = match &node.value {
            Tree::List(_) => self.list(node, "`group_by`")?.iter().collect(),
            _ => vec![node],
        };
        for item in items {
            if let Tree::Map(_) = item.value {
                for entry in self.map(item, "`group_by`")?.iter() {
                    let named = self.plain_name(entry.key, entry.name, "a group");
                    match self.text(entry.node, "an expression") {
                        Some(expression) if named => {
                            self.note(declared, Part::Group(entry.name.to_owned()), entry.node.at);
                            match self.group(entry, expression, table) {
                                Some(group) => groups.push(group),
                                None => wrong = true,
                            }
                        }
                        _ => wrong = true,
                    }
                }
            } else if let Some(column) = self.text(item, "`group_by`") {
                self.note(declared, Part::Group(column.clone()), item.at);
                groups.push(Group {
                    name: column.clone(),
                    expression: quoted_if_needed(&column),
                    reference: None,
                });
            } else {
                wrong = true;
            }
        }
        (!wrong).then_some(groups)
    }

    /// An expression, or `column -> other_column`, which is a column of the table that a `references` rule leads to.
    fn group(
        &mut self,
        entry: Entry<'_>,
        expression: String,
        table: Option<&TablePolicy>,
    ) -> Option<Group> {
        let name = entry.name.to_owned();
        let arrow = expression
            .split_once("->")
            .map(|(column, other)| (column.trim(), other.trim()))
            .filter(|(column, other)| is_name(column) && is_name(other));
        let Some((column, other)) = arrow else {
            return Some(Group {
                name,
                expression,
                reference: None,
            });
        };
        // A table that is unknown has been reported.
        let reference = table?.rules.iter().find_map(|rule| match &rule.kind {
            RuleKind::References {
                column: of,
                table,
                key,
            } if of == column => Some(Reference {
                table: table.clone(),
                key: key.clone(),
                column: other.to_owned(),
            }),
            _ => None,
        });
        if reference.is_none() && !self.is_incomplete {
            let help = format!(
                "add `- references: {{ {column}: schema.table.column }}` to the rules of the table"
            );
            self.refuse(
                entry.node.at,
                format!("no rule says which table `{column}` references"),
                help.as_str(),
            );
        }
        Some(Group {
            name,
            expression: column.to_owned(),
            reference: Some(reference?),
        })
    }

    fn measures(&mut self, node: &Node, declared: &Declared) -> Option<Vec<Measure>> {
        let fields = self.map(node, "`measures`")?;
        if fields.is_empty() {
            self.refuse(node.at, "`measures` must not be empty", None);
            return None;
        }
        let mut measures = Vec::new();
        let mut wrong = false;
        for entry in fields.iter() {
            let named = self.plain_name(entry.key, entry.name, "a measure");
            match self.measure(entry) {
                Some((function, expression, at)) if named => {
                    self.note(declared, Part::Measure(entry.name.to_owned()), at);
                    measures.push(Measure {
                        name: entry.name.to_owned(),
                        function,
                        expression,
                    });
                }
                _ => wrong = true,
            }
        }
        (!wrong).then_some(measures)
    }

    /// `count`, or `{ count_if: … }`, `{ sum: … }`, and so on.
    fn measure(&mut self, entry: Entry<'_>) -> Option<(Function, Option<String>, Location)> {
        let known = Function::ALL.map(Function::name);
        match &entry.node.value {
            Tree::Text(word) if word == "count" => Some((Function::Count, None, entry.node.at)),
            Tree::Text(word) if LATER_FUNCTIONS.contains(&word.as_str()) => {
                self.not_yet(entry.node.at, word);
                None
            }
            Tree::Text(word) if known.contains(&word.as_str()) => {
                let help = format!("expected `{{ {word}: expression }}`");
                self.refuse(
                    entry.node.at,
                    format!("`{word}` needs an expression"),
                    help.as_str(),
                );
                None
            }
            Tree::Text(word) => {
                self.unknown(entry.node.at, "function", word, &known);
                None
            }
            _ => {
                let fields = self.fields(entry.node, "a measure", &known, &LATER_FUNCTIONS)?;
                let mut functions = fields.iter();
                let Some(first) = functions.next() else {
                    // What was not known has been reported.
                    if matches!(&entry.node.value, Tree::Map(map) if map.is_empty()) {
                        self.refuse(entry.node.at, "a measure needs a function", None);
                    }
                    return None;
                };
                if let Some(second) = functions.next() {
                    self.refuse(
                        second.key,
                        format!(
                            "a measure has one function, and this is `{}` and `{}`",
                            first.name, second.name
                        ),
                        None,
                    );
                    return None;
                }
                let function = Function::ALL
                    .into_iter()
                    .find(|function| function.name() == first.name)?;
                if function == Function::Count {
                    if matches!(first.node.value, Tree::Bool(true)) {
                        return Some((Function::Count, None, first.key));
                    }
                    self.refuse(
                        first.node.at,
                        "`count` counts all rows and takes no expression",
                        "expected `count`, or `{ count_if: condition }`",
                    );
                    return None;
                }
                let expression = self.text(first.node, &format!("`{}`", first.name))?;
                Some((function, Some(expression), first.node.at))
            }
        }
    }

    fn columns_are_distinct(&mut self, summary: &Summary, declared: &Declared, at: Location) {
        let columns = summary.columns();
        for (position, column) in columns.iter().enumerate() {
            if columns[..position].contains(column) {
                let at = self
                    .source
                    .locate(declared, &Part::Measure((*column).to_owned()))
                    .unwrap_or(at);
                self.refuse(
                    at,
                    format!("the summary has two columns named `{column}`"),
                    "the bucket, the groups and the measures need different names",
                );
            }
        }
        for reserved in &columns[usize::from(summary.bucket.is_some())..] {
            if *reserved == "bucket" && summary.bucket.is_none() {
                self.refuse(
                    at,
                    "`bucket` is the name of the bucket's own column",
                    "give the group or the measure another name",
                );
            }
        }
    }
}

/// The keys of a mapping that are texts; empty for anything else.
pub(super) fn keys(node: &Node) -> Vec<&str> {
    match &node.value {
        Tree::Map(map) => map
            .iter()
            .filter_map(|(key, _)| match &key.value {
                Tree::Text(name) => Some(name.as_str()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether it is an SQL name that needs no quotes.
fn is_name(text: &str) -> bool {
    text.chars().all(|character| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_'
    }) && !text.starts_with(|first: char| first.is_ascii_digit())
        && !text.is_empty()
}

/// A column as an SQL expression.
pub(super) fn quoted_if_needed(column: &str) -> String {
    if is_name(column) {
        column.to_owned()
    } else {
        format!("\"{}\"", column.replace('"', "\"\""))
    }
}
