//! Files of other tools as trees: read within bounds, and asked without ever failing.

use serde_json::Value;

use crate::Error;
use crate::policy::node::{self, Limits, Node, Tree};
use crate::policy::{Location, problem_in};

/// The manifest of a project of ten thousand models has some hundred megabytes.
pub(super) const MOST_BYTES: usize = 512 << 20;
/// A property file of ten thousand columns has some hundred thousand nodes.
const LIMITS: Limits = Limits {
    nodes: 500_000,
    levels: 64,
};

/// Reads YAML.
pub(super) fn yaml(text: &str, file: &str) -> Result<Node, Error> {
    bounded(text, file)?;
    node::read_within(without_mark(text), LIMITS).map_err(|error| {
        let message = error
            .message
            .replace(
                "a policy is one YAML document",
                "it must be one YAML document",
            )
            .replace("any policy needs to be", "such a file needs to be");
        refused(text, file, error.at, message, None)
    })
}

/// Reads JSON, or YAML where the text does not begin like JSON.
pub(super) fn json_or_yaml(text: &str, file: &str) -> Result<Node, Error> {
    if !is_json(text) {
        return yaml(text, file);
    }
    bounded(text, file)?;
    let value =
        serde_json::from_str(without_mark(text)).map_err(|error| json_error(text, file, &error))?;
    Ok(from_json(value))
}

/// Whether a text begins like a JSON object.
pub(super) fn is_json(text: &str) -> bool {
    without_mark(text).trim_start().starts_with('{')
}

/// A text longer than any such file is not read at all.
pub(super) fn bounded(text: &str, file: &str) -> Result<(), Error> {
    if text.len() > MOST_BYTES {
        let message = "the file is larger than 512 MB";
        return Err(refused("", file, None, message, None));
    }
    Ok(())
}

/// Why a text is not JSON, and where.
pub(super) fn json_error(text: &str, file: &str, error: &serde_json::Error) -> Error {
    let message = error.to_string();
    let message = message
        .split_once(" at line ")
        .map_or(message.as_str(), |(reason, _)| reason);
    let at = (error.line() > 0).then(|| Location {
        line: error.line(),
        column: error.column().max(1),
        width: 1,
        ..Location::default()
    });
    refused(text, file, at, message, None)
}

/// An error about the file as such.
pub(super) fn refused(
    text: &str,
    file: &str,
    at: Option<Location>,
    message: impl Into<String>,
    help: Option<&str>,
) -> Error {
    let problem = problem_in(text, file, at, message, help.map(str::to_owned));
    Error::NotImported(Box::new(problem))
}

pub(super) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// A value whose place is not known.
pub(super) fn from_json(value: Value) -> Node {
    let value = match value {
        Value::Null => Tree::Null,
        Value::Bool(value) => Tree::Bool(value),
        Value::Number(number) => Tree::Number(number),
        Value::String(text) => Tree::Text(text),
        Value::Array(items) => Tree::List(items.into_iter().map(from_json).collect()),
        Value::Object(entries) => Tree::Map(
            entries
                .into_iter()
                .map(|(key, value)| (from_json(Value::String(key)), from_json(value)))
                .collect(),
        ),
    };
    Node::of(Location::default(), value)
}

impl Node {
    /// The value of a key, if this is a mapping that has it and it is not null.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .find(|(name, value)| *name == key && !value.is_null())
            .map(|(_, value)| value)
    }

    /// The value at the end of a path of keys.
    pub(super) fn at_path(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The entries whose key is a text; none if this is no mapping.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Node)> {
        let entries = match &self.value {
            Tree::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        entries.iter().filter_map(|(key, value)| match &key.value {
            Tree::Text(name) => Some((name.as_str(), value)),
            _ => None,
        })
    }

    /// The items; none if this is no list.
    pub(super) fn items(&self) -> &[Node] {
        match &self.value {
            Tree::List(items) => items,
            _ => &[],
        }
    }

    /// The items, or this itself if it is neither a list nor null.
    pub(super) fn one_or_many(&self) -> &[Node] {
        match &self.value {
            Tree::List(items) => items,
            Tree::Null => &[],
            _ => std::slice::from_ref(self),
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.value, Tree::Null)
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self.value, Tree::Map(_))
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self.value, Tree::List(_))
    }

    /// The text, if it is one that is not empty.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Tree::Text(text) if !text.trim().is_empty() => Some(text),
            _ => None,
        }
    }

    /// A text, a number or a truth value as it would be written.
    pub(super) fn written(&self) -> Option<String> {
        match &self.value {
            Tree::Text(text) => Some(text.clone()),
            Tree::Number(number) => Some(number.to_string()),
            Tree::Bool(value) => Some(value.to_string()),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<f64> {
        match &self.value {
            Tree::Number(number) => number.as_f64(),
            Tree::Text(text) => text
                .trim()
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite()),
            _ => None,
        }
    }

    /// `true` and `false`, also as a text.
    pub(super) fn truth(&self) -> Option<bool> {
        match &self.value {
            Tree::Bool(value) => Some(*value),
            Tree::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Tree::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// A text, a number or a truth value as a constant.
    pub(super) fn constant(&self) -> Option<Value> {
        match &self.value {
            Tree::Text(text) => Some(Value::String(text.clone())),
            Tree::Number(number) => Some(Value::Number(number.clone())),
            Tree::Bool(value) => Some(Value::Bool(*value)),
            _ => None,
        }
    }

    /// The texts of a list, or one text.
    pub(super) fn texts(&self) -> Vec<String> {
        self.one_or_many()
            .iter()
            .filter_map(Node::written)
            .collect()
    }

    /// As JSON.
    pub(super) fn to_json(&self) -> Value {
        match &self.value {
            Tree::Null => Value::Null,
            Tree::List(items) => items.iter().map(Node::to_json).collect(),
            Tree::Map(_) => self
                .entries()
                .map(|(key, value)| (key.to_owned(), value.to_json()))
                .collect(),
            _ => self.constant().unwrap_or(Value::Null),
        }
    }

    /// Its line, if it is known.
    pub(super) fn line(&self) -> Option<usize> {
        (self.at.line > 0).then_some(self.at.line)
    }
}
