//! dbt: property files and manifests.

mod generic;
mod manifest;
mod property;

use super::collect::{Check, Threshold};
use super::document::{self, refused};
use super::{Imported, Options};
use crate::policy::node::Node;
use crate::{Error, Severity};

pub(super) fn read(text: &str, file: &str, options: &Options) -> Result<Imported, Error> {
    if document::is_json(text) {
        return manifest::read(text, file);
    }
    let root = document::yaml(text, file)?;
    let parts = ["models", "sources", "seeds", "snapshots"];
    if !parts.iter().any(|part| root.get(part).is_some()) {
        let at = (!root.is_null()).then_some(root.at);
        return Err(refused(
            text,
            file,
            at,
            "this is neither a manifest nor a property file of dbt",
            Some(
                "expected `target/manifest.json`, or a file with `models:`, `sources:`, `seeds:` or `snapshots:`",
            ),
        ));
    }
    Ok(property::read(&root, file, options))
}

/// What the configuration of a test says, wherever it stands: the first that has a key wins.
pub(super) struct Config<'n> {
    maps: Vec<&'n Node>,
}

impl<'n> Config<'n> {
    pub(super) fn new(maps: impl IntoIterator<Item = Option<&'n Node>>) -> Self {
        Config {
            maps: maps.into_iter().flatten().collect(),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.maps.iter().find_map(|map| map.get(key))
    }

    pub(super) fn text(&self, key: &str) -> Option<&'n str> {
        self.get(key).and_then(Node::text)
    }

    /// A key of `meta`, here or below `config`.
    fn meta(&self, key: &str) -> Option<&'n Node> {
        self.maps.iter().find_map(|map| map.at_path(&["meta", key]))
    }

    /// Why nothing is to come of it.
    pub(super) fn disabled(&self) -> bool {
        self.get("enabled").and_then(Node::truth) == Some(false)
    }

    pub(super) fn owner(&self) -> Option<String> {
        self.meta("owner")
            .or_else(|| self.get("owner"))
            .and_then(owner)
    }

    /// The severity, what is different about it, and the numbers of rows from which on it holds.
    pub(super) fn apply(&self, check: &mut Check, differences: &mut Vec<String>) {
        let is_error = !self
            .text("severity")
            .is_some_and(|word| word.eq_ignore_ascii_case("warn"));
        let critical = self.meta("critical").and_then(Node::truth) == Some(true)
            || self
                .get("tags")
                .is_some_and(|tags| tags.texts().iter().any(|tag| tag == "critical"));
        let ours = self
            .meta("severity")
            .and_then(Node::text)
            .and_then(|word| word.to_lowercase().parse().ok());
        check.severity = ours.unwrap_or(match (is_error, critical) {
            (true, true) => Severity::Critical,
            (true, false) => Severity::Important,
            (false, _) => Severity::Normal,
        });
        if check.owner.is_none() {
            check.owner = self.owner();
        }
        if let Some(condition) = self.text("where") {
            check.condition = Some(condition.trim().to_owned());
        }
        let calculated = self
            .text("fail_calc")
            .is_some_and(|calc| calc.replace(' ', "").to_lowercase() != "count(*)");
        if calculated {
            differences.push("`fail_calc` is not kept: failing rows are counted".to_owned());
        }
        let levels = [
            ("error_if", is_error.then_some(check.severity)),
            ("warn_if", Some(check.severity.min(Severity::Normal))),
        ];
        for (key, severity) in levels {
            let (Some(written), Some(severity)) = (self.get(key).and_then(Node::written), severity)
            else {
                continue;
            };
            match threshold(&written) {
                Some(None) => {}
                Some(Some(when)) if !calculated => {
                    check.thresholds.push(Threshold { severity, when })
                }
                _ => differences.push(format!(
                    "`{key}: {written}` is not kept: each failing row counts"
                )),
            }
        }
        // What is an error from the first row on is no warning besides.
        let error_from_first = is_error
            && self
                .get("error_if")
                .and_then(Node::written)
                .is_none_or(|written| threshold(&written) == Some(None));
        if error_from_first {
            check.thresholds.clear();
        }
        // Where thresholds say when it matters, a single row matters little.
        if !check.thresholds.is_empty() && ours.is_none() {
            check.severity = Severity::Low;
        }
    }
}

/// `>10` as a condition over the number of failing rows; nothing if it is what goes without saying.
fn threshold(written: &str) -> Option<Option<String>> {
    let text = written.trim().to_lowercase();
    if let Some(bounds) = text.strip_prefix("between ") {
        let (low, high) = bounds.split_once(" and ")?;
        let (low, high): (u64, u64) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
        return Some(Some(format!("failing between {low} and {high}")));
    }
    let digits = text.find(|character: char| character.is_ascii_digit())?;
    let (operator, number) = text.split_at(digits);
    let number: u64 = number.trim().parse().ok()?;
    let operator = match operator.trim() {
        "!=" | "<>" => "<>",
        "=" | "==" => "=",
        known @ (">" | ">=" | "<" | "<=") => known,
        _ => return None,
    };
    Some(match (operator, number) {
        ("<>" | ">", 0) | (">=", 1) => None,
        _ => Some(format!("failing {operator} {number}")),
    })
}

/// An owner as a text, the first of a list, or a mapping with a name or an address.
pub(super) fn owner(node: &Node) -> Option<String> {
    if let Some(text) = node.text() {
        return Some(text.to_owned());
    }
    if let Some(first) = node.items().first() {
        return owner(first);
    }
    ["email", "name"]
        .iter()
        .find_map(|key| node.get(key))
        .and_then(owner)
}

/// `ref('orders')`, `ref('package', 'orders')`, `source('shop', 'orders')`: the names in it.
pub(super) fn names_in_call(text: &str) -> Vec<String> {
    let inner = text
        .trim()
        .trim_start_matches("{{")
        .trim_end_matches("}}")
        .trim();
    let Some((function, arguments)) = inner.split_once('(') else {
        return Vec::new();
    };
    if !["ref", "source"].contains(&function.trim()) {
        return Vec::new();
    }
    let arguments = arguments.split(')').next().unwrap_or_default();
    arguments
        .split(',')
        .filter(|argument| !argument.contains('='))
        .map(|argument| argument.trim().trim_matches(['\'', '"']).to_owned())
        .filter(|argument| !argument.is_empty())
        .collect()
}
