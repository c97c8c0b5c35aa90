//! Property files: `schema.yml`, `sources.yml` and the like.

use super::super::aggregate::{fresh, period};
use super::super::collect::{Check, Collector};
use super::super::expectation::{Args, unique};
use super::super::mapped::{Mapped, Rows};
use super::super::sql::folded;
use super::super::{Imported, Options, Tool, shape};
use super::{Config, generic, names_in_call};
use crate::policy::identifier;
use crate::policy::node::Node;
use crate::{RuleKind, Severity};

/// The keys that are no test when a test is written as a mapping.
const BESIDES: [&str; 14] = [
    "name",
    "description",
    "config",
    "arguments",
    "test_name",
    "severity",
    "warn_if",
    "error_if",
    "where",
    "limit",
    "tags",
    "meta",
    "store_failures",
    "fail_calc",
];

struct File<'o> {
    collector: Collector,
    options: &'o Options,
    /// Sources by their name and that of the table: `schema.table`.
    sources: Vec<(String, String, String)>,
    /// Models by their name: `schema.table`.
    models: Vec<(String, String)>,
}

/// A table of the file.
struct Table<'n> {
    /// What the file calls it.
    called: String,
    /// `schema.table`.
    name: String,
    node: &'n Node,
}

pub(super) fn read(root: &Node, file: &str, options: &Options) -> Imported {
    let mut read = File {
        collector: Collector::new(Tool::Dbt, file),
        options,
        sources: Vec::new(),
        models: Vec::new(),
    };
    let mut tables = Vec::new();
    for part in ["models", "seeds", "snapshots"] {
        for node in root.get(part).map_or(&[][..], Node::items) {
            let Some(called) = node.get("name").and_then(Node::written) else {
                read.collector.not(part, node.line(), "it has no `name`");
                continue;
            };
            let config = Config::new([Some(node), node.get("config")]);
            let name = qualified(
                config.text("schema").unwrap_or(&options.schema),
                config.text("alias").unwrap_or(&called),
            );
            read.models.push((called.clone(), name.clone()));
            tables.push(Table { called, name, node });
        }
    }
    let mut with_freshness = Vec::new();
    for source in root.get("sources").map_or(&[][..], Node::items) {
        let Some(called) = source.get("name").and_then(Node::written) else {
            read.collector
                .not("sources", source.line(), "it has no `name`");
            continue;
        };
        let schema = source
            .get("schema")
            .and_then(Node::text)
            .unwrap_or(&called)
            .to_owned();
        // A template names a schema that only dbt knows.
        let schema = if schema.contains("{{") {
            options.schema.clone()
        } else {
            schema
        };
        for node in source.get("tables").map_or(&[][..], Node::items) {
            let Some(table) = node.get("name").and_then(Node::written) else {
                read.collector
                    .not(&called, node.line(), "a table of it has no `name`");
                continue;
            };
            let name = qualified(
                &schema,
                node.get("identifier")
                    .and_then(Node::text)
                    .unwrap_or(&table),
            );
            read.sources
                .push((called.clone(), table.clone(), name.clone()));
            with_freshness.push((source, tables.len()));
            tables.push(Table {
                called: format!("{called}.{table}"),
                name,
                node,
            });
        }
    }
    for (place, table) in tables.iter().enumerate() {
        read.table(table);
        if let Some((source, _)) = with_freshness.iter().find(|(_, of)| *of == place) {
            read.freshness(table, source);
        }
    }
    for part in ["unit_tests", "metrics", "semantic_models", "exposures"] {
        if let Some(node) = root.get(part).filter(|node| !node.items().is_empty()) {
            read.collector
                .not(part, node.line(), "it is not about the data of a table");
        }
    }
    read.collector.end()
}

/// `schema.table` as SQL has it.
pub(super) fn qualified(schema: &str, table: &str) -> String {
    format!("{}.{}", identifier(schema), identifier(table))
}

impl File<'_> {
    fn table(&mut self, table: &Table<'_>) {
        let config = Config::new([Some(table.node), table.node.get("config")]);
        let why = table.node.get("description").and_then(Node::text);
        self.collector.table(&table.name, why, config.owner());
        for test in tests(table.node) {
            self.test(table, None, test);
        }
        let columns = table.node.get("columns").map_or(&[][..], Node::items);
        for column in columns {
            let Some(name) = column.get("name").and_then(Node::written) else {
                self.collector
                    .not(&table.called, column.line(), "a column of it has no `name`");
                continue;
            };
            // dbt writes the name as it is, and quotes it if it is told to.
            let quoted =
                column.get("quote").and_then(Node::truth) == Some(true) && !name.starts_with('"');
            let name = if quoted {
                identifier_always(&name)
            } else {
                name
            };
            for test in tests(column) {
                self.test(table, Some(&name), test);
            }
            constraints(
                &mut self.collector,
                &table.called,
                &table.name,
                column,
                Some(&name),
                &|to| resolve(&self.models, &self.sources, &self.options.schema, to),
            );
        }
        constraints(
            &mut self.collector,
            &table.called,
            &table.name,
            table.node,
            None,
            &|to| resolve(&self.models, &self.sources, &self.options.schema, to),
        );
        let enforced = config
            .get("contract")
            .and_then(|contract| contract.get("enforced"))
            .and_then(Node::truth);
        if enforced == Some(true) {
            contract(
                &mut self.collector,
                &table.called,
                &table.name,
                table.node,
                columns,
            );
        }
    }

    fn test(&mut self, table: &Table<'_>, column: Option<&str>, node: &Node) {
        let about = column.map_or_else(
            || table.called.clone(),
            |column| format!("{}.{column}", table.called),
        );
        let line = node.line();
        // A bare word, a mapping of one key, or one with `test_name`.
        let (kind, arguments) = if let Some(word) = node.text() {
            (word.to_owned(), None)
        } else if let Some(word) = node.get("test_name").and_then(Node::text) {
            (word.to_owned(), Some(node))
        } else {
            let mut kinds = node.entries().filter(|(key, _)| !BESIDES.contains(key));
            match (kinds.next(), kinds.next()) {
                (Some((kind, arguments)), None) => (kind.to_owned(), Some(arguments)),
                _ => {
                    self.collector.not(
                        about,
                        line,
                        "it is no test: neither a word nor a mapping of one",
                    );
                    return;
                }
            }
        };
        let mut check = Check::new(&table.name, format!("{about}: {kind}"), line);
        let config = Config::new([
            arguments.and_then(|arguments| arguments.get("config")),
            node.get("config"),
            arguments,
            Some(node),
        ]);
        if config.disabled() {
            self.collector
                .add(&check, Mapped::not("it is switched off (`enabled: false`)"));
            return;
        }
        let named = config.text("name").filter(|_| arguments.is_some());
        check.name = named.map(str::to_owned);
        check.why = config.text("description").unwrap_or_default().to_owned();
        let mut differences = Vec::new();
        config.apply(&mut check, &mut differences);
        let maps = [
            arguments.and_then(|arguments| arguments.get("arguments")),
            arguments,
        ];
        let mut args = args(maps.into_iter().flatten().collect(), column);
        let table_of = |to: &str| resolve(&self.models, &self.sources, &self.options.schema, to);
        args.table = &table_of;
        let mapped = map(&kind, &args, &mut check, None);
        let mapped = differences.into_iter().fold(mapped, Mapped::differs);
        self.collector.add(&check, mapped);
    }

    /// `freshness` and `loaded_at_field` of a source, of which a table may have its own.
    fn freshness(&mut self, table: &Table<'_>, source: &Node) {
        let own = table
            .node
            .get("freshness")
            .or_else(|| table.node.at_path(&["config", "freshness"]));
        let is_off = table
            .node
            .entries()
            .any(|(key, value)| key == "freshness" && value.is_null());
        let freshness = own
            .or_else(|| source.get("freshness"))
            .or_else(|| source.at_path(&["config", "freshness"]));
        let Some(freshness) = freshness.filter(|_| !is_off) else {
            return;
        };
        let field = |node: &Node| {
            let field = node
                .get("loaded_at_field")
                .or_else(|| node.at_path(&["config", "loaded_at_field"]));
            field.and_then(Node::text).map(str::to_owned)
        };
        let field = field(table.node).or_else(|| field(source));
        freshness_rules(
            &mut self.collector,
            &table.called,
            &table.name,
            freshness,
            field.as_deref(),
            freshness.line(),
        );
    }
}

/// The arguments of a test of dbt, whose names are SQL.
pub(super) fn args<'n>(maps: Vec<&'n Node>, column: Option<&str>) -> Args<'n> {
    Args {
        maps,
        column: column.map(str::to_owned),
        folds: true,
        table: &|_| None,
    }
}

/// What a test becomes, with the condition that dbt-expectations has of its own.
pub(super) fn map(
    kind: &str,
    args: &Args<'_>,
    check: &mut Check,
    compiled: Option<&str>,
) -> Mapped {
    if let Some(own) = args.text("row_condition") {
        check.condition = Some(match &check.condition {
            Some(condition) => format!("({condition}) and ({own})"),
            None => own.to_owned(),
        });
    }
    if check
        .condition
        .as_deref()
        .is_some_and(|condition| condition.contains("{{") || condition.contains("{%"))
        && compiled.is_none()
    {
        return Mapped::not(
            "its condition is a template; `target/manifest.json` has what it becomes",
        );
    }
    let table = check.table.clone();
    let condition = check.condition.clone();
    let rows = Rows {
        table: &table,
        condition: condition.as_deref(),
    };
    generic::map(kind, args, rows, compiled)
}

/// `warn_after` and `error_after` as two rules.
pub(super) fn freshness_rules(
    collector: &mut Collector,
    called: &str,
    table: &str,
    freshness: &Node,
    field: Option<&str>,
    line: Option<usize>,
) {
    for (key, severity) in [
        ("error_after", Severity::Important),
        ("warn_after", Severity::Normal),
    ] {
        let Some(after) = freshness.get(key) else {
            continue;
        };
        let mut check = Check::new(table, format!("{called}: freshness {key}"), line);
        check.severity = severity;
        check.name = Some(format!(
            "fresh_{}",
            if key == "error_after" {
                "error"
            } else {
                "warn"
            }
        ));
        check.condition = freshness
            .get("filter")
            .and_then(Node::text)
            .map(str::to_owned);
        let count = after.get("count").and_then(Node::number);
        let within = count
            .zip(after.get("period").and_then(Node::text))
            .and_then(|(count, unit)| period(count, unit));
        let mapped = match (within, field) {
            (None, _) if after.get("count").is_none() => continue,
            (None, _) => Mapped::not("its `count` and `period` are no length of time"),
            (Some(within), None) => Mapped::rule(fresh(within, None, Vec::new()))
                .differs("without a `loaded_at_field` the newest change counts that was written since the watch began"),
            (Some(within), Some(field)) => match folded(field.split("::").next().unwrap_or(field)) {
                Some(column) => Mapped::rule(fresh(within, Some(column), Vec::new())),
                None => Mapped::not(format!("`{field}` is no column but an expression; `fresh` looks at a column")),
            },
        };
        collector.add(&check, mapped);
    }
}

/// Constraints of a model or of one of its columns.
pub(super) fn constraints(
    collector: &mut Collector,
    called: &str,
    table: &str,
    node: &Node,
    column: Option<&str>,
    other: &dyn Fn(&str) -> Option<String>,
) {
    for constraint in node.get("constraints").map_or(&[][..], Node::items) {
        let kind = constraint
            .get("type")
            .and_then(Node::text)
            .unwrap_or_default();
        let about = column.map_or_else(|| called.to_owned(), |column| format!("{called}.{column}"));
        let mut check = Check::new(
            table,
            format!("{about}: constraint {kind}"),
            constraint.line(),
        );
        check.name = None;
        let names: Option<Vec<String>> = match column {
            Some(column) => folded(column).map(|column| vec![column]),
            None => constraint
                .get("columns")
                .map(Node::texts)
                .unwrap_or_default()
                .iter()
                .map(|name| folded(name))
                .collect(),
        };
        let names = names.unwrap_or_default();
        let rows = Rows {
            table,
            condition: None,
        };
        let not_null = |names: &[String]| {
            let rules = names.iter().map(|name| {
                Mapped::rule(RuleKind::NotNull {
                    column: name.clone(),
                })
            });
            rules.reduce(Mapped::with)
        };
        let mapped = match kind {
            _ if names.is_empty() && kind != "check" => Mapped::not("it names no column"),
            "not_null" => not_null(&names).unwrap_or_default(),
            "unique" => unique(names, rows),
            "primary_key" => not_null(&names)
                .unwrap_or_default()
                .with(unique(names, rows)),
            "foreign_key" => foreign_key(constraint, names, other),
            "check" => match constraint.get("expression").and_then(Node::text) {
                Some(expression) => {
                    let name = constraint
                        .get("name")
                        .and_then(Node::text)
                        .unwrap_or(expression);
                    Mapped::expression(name, expression)
                }
                None => Mapped::not("it does not say its `expression`"),
            },
            _ => Mapped::not(format!("constraints of the type `{kind}` are not known")),
        };
        collector.add(&check, mapped);
    }
}

fn foreign_key(
    constraint: &Node,
    mut names: Vec<String>,
    other: &dyn Fn(&str) -> Option<String>,
) -> Mapped {
    let [column] = names.as_mut_slice() else {
        return Mapped::not("a reference of several columns can not be said");
    };
    // Since 1.9 `to` and `to_columns`; before, `schema.table (column)` in `expression`.
    let to = constraint.get("to").and_then(Node::text).map(str::to_owned);
    let key = constraint
        .get("to_columns")
        .map(Node::texts)
        .and_then(|keys| keys.into_iter().next());
    let (to, key) = match (to, key, constraint.get("expression").and_then(Node::text)) {
        (Some(to), Some(key), _) => (to, key),
        (_, _, Some(expression)) => match expression
            .trim()
            .trim_start_matches("references ")
            .split_once('(')
        {
            Some((to, key)) => (
                to.trim().to_owned(),
                key.trim_end_matches(')').trim().to_owned(),
            ),
            None => return Mapped::not("it does not say which column of which table it refers to"),
        },
        _ => return Mapped::not("it does not say which column of which table it refers to"),
    };
    match (other(&to), folded(&key)) {
        (Some(table), Some(key)) => Mapped::rule(RuleKind::References {
            column: std::mem::take(column),
            table,
            key,
        }),
        _ => Mapped::not(format!("`{to}` names no table that is known here")),
    }
}

/// The types that an enforced contract promises.
pub(super) fn contract(
    collector: &mut Collector,
    called: &str,
    table: &str,
    node: &Node,
    columns: &[Node],
) {
    let typed: Vec<(String, Vec<String>)> = columns
        .iter()
        .filter_map(|column| {
            let name = column
                .get("name")
                .and_then(Node::written)
                .and_then(|name| folded(&name))?;
            Some((name, vec![column.get("data_type").and_then(Node::written)?]))
        })
        .collect();
    let check = Check::new(table, format!("{called}: contract"), node.line());
    let rows = Rows {
        table,
        condition: None,
    };
    let mapped = if typed.is_empty() {
        Mapped::not("no column of it has a `data_type`")
    } else {
        shape::types("contract_types", &typed, rows).unwrap_or_else(|refused| refused)
    };
    collector.add(&check, mapped);
}

/// The table that `ref('orders')`, `source('shop', 'orders')` or `schema.table` means.
fn resolve(
    models: &[(String, String)],
    sources: &[(String, String, String)],
    schema: &str,
    to: &str,
) -> Option<String> {
    let names = names_in_call(to);
    let last = names.last();
    let is_source = to.contains("source");
    match (last, is_source) {
        (Some(table), true) => {
            let source = sources
                .iter()
                .find(|(name, of, _)| names.first() == Some(name) && of == table);
            let schema = names.first().map_or(schema, String::as_str);
            Some(source.map_or_else(|| qualified(schema, table), |(_, _, name)| name.clone()))
        }
        (Some(table), false) => {
            let model = models.iter().find(|(name, _)| name == table);
            Some(model.map_or_else(|| qualified(schema, table), |(_, name)| name.clone()))
        }
        (None, _) => {
            let parts: Vec<Option<String>> = to.split('.').map(folded).collect();
            match parts.as_slice() {
                [Some(table)] => Some(qualified(schema, table)),
                [.., Some(schema), Some(table)] => Some(qualified(schema, table)),
                _ => None,
            }
        }
    }
}

fn tests(node: &Node) -> impl Iterator<Item = &Node> {
    let lists = ["data_tests", "tests"].map(|key| node.get(key).map_or(&[][..], Node::items));
    lists.into_iter().flatten()
}

/// A name between double quotes.
fn identifier_always(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
