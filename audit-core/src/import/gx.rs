//! Great Expectations: suites of version 1 and before.

mod condition;

use super::collect::{Check, Collector};
use super::document::{json_or_yaml, refused};
use super::expectation::{self, Args};
use super::mapped::{Mapped, Rows};
use super::sql::{is_plain, slug};
use super::{Imported, Options, Tool};
use crate::policy::node::Node;
use crate::policy::{identifier, table::identifiers};
use crate::{Error, Severity};

pub(super) fn read(text: &str, file: &str, options: &Options) -> Result<Imported, Error> {
    let root = json_or_yaml(text, file)?;
    let Some(expectations) = root.get("expectations").filter(|node| node.is_list()) else {
        return Err(refused(
            text,
            file,
            None,
            "this is no suite of Great Expectations",
            Some("expected a list `expectations`, as in the files of the folder `expectations`"),
        ));
    };
    let named = root
        .get("name")
        .or_else(|| root.get("expectation_suite_name"))
        .and_then(Node::text);
    let table = table(named, options);
    let mut collector = Collector::new(Tool::Gx, file);
    let of_suite = root.get("meta").or_else(|| root.get("notes"));
    let notes = of_suite
        .and_then(|meta| meta.get("notes").or(Some(meta)))
        .and_then(notes);
    collector.table(
        &table,
        notes.as_deref(),
        root.at_path(&["meta", "owner"])
            .and_then(Node::text)
            .map(str::to_owned),
    );
    for (place, node) in expectations.items().iter().enumerate() {
        one(&mut collector, &table, place, node, options);
    }
    Ok(collector.end())
}

/// The table that a suite is about: the file does not say, but its name often does.
fn table(suite: Option<&str>, options: &Options) -> String {
    if let Some(table) = &options.table {
        let parts = identifiers(table);
        return if parts.len() == 2 {
            table.clone()
        } else {
            format!("{}.{}", identifier(&options.schema), identifier(table))
        };
    }
    // `orders_suite`, `orders.warning`, `shop.orders.critical`.
    let name = suite.unwrap_or("table");
    let mut parts: Vec<&str> = name.split('.').collect();
    if parts.len() > 1
        && parts.last().is_some_and(|last| {
            [
                "warning", "critical", "default", "failure", "basic", "demo", "info",
            ]
            .contains(last)
        })
    {
        parts.pop();
    }
    let last = parts.last().copied().unwrap_or(name);
    let last = ["_expectation_suite", "_expectations", "_suite"]
        .iter()
        .find_map(|end| last.strip_suffix(end))
        .unwrap_or(last);
    let table = if is_plain(last) {
        last.to_owned()
    } else {
        slug(last)
    };
    match parts.as_slice() {
        [.., schema, _] if is_plain(schema) => {
            format!("{}.{}", identifier(schema), identifier(&table))
        }
        _ => format!("{}.{}", identifier(&options.schema), identifier(&table)),
    }
}

/// `notes` are a text, a list of texts, or a mapping with `content`.
fn notes(node: &Node) -> Option<String> {
    let content = node.get("content").unwrap_or(node);
    let texts: Vec<&str> = content
        .one_or_many()
        .iter()
        .filter_map(Node::text)
        .collect();
    (!texts.is_empty()).then(|| texts.join(" "))
}

fn one(collector: &mut Collector, table: &str, place: usize, node: &Node, options: &Options) {
    let kind = node
        .get("type")
        .or_else(|| node.get("expectation_type"))
        .and_then(Node::text);
    let Some(kind) = kind else {
        collector.not(
            format!("expectations[{place}]"),
            node.line(),
            "it has no `type`",
        );
        return;
    };
    let kwargs = node.get("kwargs");
    let column = ["column", "column_A"]
        .iter()
        .find_map(|key| kwargs?.get(key)?.text());
    let from = match column {
        Some(column) => format!("expectations[{place}], {column}: {kind}"),
        None => format!("expectations[{place}]: {kind}"),
    };
    let mut check = Check::new(table, from, node.line());
    // Files from before there were severities do not say one.
    check.severity = match node
        .get("severity")
        .or_else(|| node.at_path(&["meta", "severity"]))
        .and_then(Node::text)
    {
        Some("critical") => Severity::Critical,
        Some("warning") => Severity::Normal,
        Some("info") => Severity::Low,
        Some(other) => other.parse().unwrap_or(Severity::Important),
        None => Severity::Important,
    };
    check.owner = node
        .at_path(&["meta", "owner"])
        .and_then(Node::text)
        .map(str::to_owned);
    check.why = node
        .get("description")
        .and_then(Node::text)
        .map(str::to_owned)
        .or_else(|| node.get("notes").and_then(notes))
        .or_else(|| node.at_path(&["meta", "notes"]).and_then(notes))
        .unwrap_or_default();
    if let Some(parameter) = kwargs.and_then(parameter) {
        let reason = format!(
            "the value of `{parameter}` is a parameter, which only the run of a checkpoint knows"
        );
        collector.add(&check, Mapped::not(reason));
        return;
    }
    check.mostly = kwargs
        .and_then(|kwargs| kwargs.get("mostly"))
        .and_then(Node::number);
    if let Some(written) = kwargs.and_then(|kwargs| kwargs.get("row_condition")) {
        let parser = kwargs
            .and_then(|kwargs| kwargs.get("condition_parser"))
            .and_then(Node::text);
        match condition::read(written, parser) {
            Ok(condition) => check.condition = Some(condition),
            Err(reason) => {
                collector.add(
                    &check,
                    Mapped::not(format!("its row_condition can not be read: {reason}")),
                );
                return;
            }
        }
    }
    let rows = Rows {
        table,
        condition: check.condition.as_deref(),
    };
    let other = |name: &str| {
        let parts = identifiers(name);
        match parts.len() {
            1 => Some(format!(
                "{}.{}",
                identifier(&options.schema),
                identifier(name)
            )),
            2 => Some(name.to_owned()),
            _ => None,
        }
    };
    let args = Args {
        maps: kwargs.into_iter().collect(),
        column: None,
        folds: false,
        table: &other,
    };
    let name = kind.to_lowercase();
    let mut mapped = expectation::map(&name, &args, rows)
        .unwrap_or_else(|| Mapped::not("an expectation of this name is not known; one of one's own can be written as `expression` or `sql`"));
    if node
        .get("windows")
        .or_else(|| kwargs.and_then(|kwargs| kwargs.get("windows")))
        .is_some_and(|windows| !windows.items().is_empty())
    {
        mapped = mapped.differs("bounds that follow from former runs (`windows`) are not kept");
    }
    let share = check.mostly.is_some_and(|share| share < 1.0);
    if share
        && mapped.drafts.iter().any(|draft| !draft.is_time_driven())
        && !name.ends_with("to_not_be_null")
        && !name.ends_with("to_be_null")
    {
        mapped =
            mapped.differs("`mostly` is the share of all rows here, of those with a value there");
    }
    collector.add(&check, mapped);
}

/// The first argument that is a parameter of a suite.
fn parameter(kwargs: &Node) -> Option<&str> {
    kwargs
        .entries()
        .find(|(_, value)| value.get("$PARAMETER").is_some())
        .map(|(key, _)| key)
}
