//! JSON as YAML that people read: mappings and lists on lines of their own.

use serde_json::Value;

use crate::policy::scalar;

/// Keys of contracts come in this order, and others after them.
const ORDER: [&str; 30] = [
    "apiVersion",
    "kind",
    "id",
    "property",
    "name",
    "version",
    "status",
    "physicalName",
    "physicalType",
    "description",
    "value",
    "unit",
    "element",
    "type",
    "metric",
    "engine",
    "arguments",
    "query",
    "implementation",
    "mustBe",
    "mustBeLessOrEqualTo",
    "severity",
    "username",
    "role",
    "properties",
    "quality",
    "schema",
    "team",
    "slaProperties",
    "customProperties",
];

/// Writes a value.
pub(super) fn write(value: &Value) -> String {
    let mut text = String::new();
    block(value, 0, &mut text);
    text
}

fn block(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|(key, _)| {
                ORDER
                    .iter()
                    .position(|known| known == key)
                    .unwrap_or(ORDER.len())
            });
            for (key, value) in entries {
                *text += &" ".repeat(indent);
                *text += &scalar(key);
                text.push(':');
                below(value, indent, text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                *text += &" ".repeat(indent);
                text.push('-');
                if is_long(item) {
                    let mut inner = String::new();
                    block(item, indent + 2, &mut inner);
                    text.push(' ');
                    *text += inner.trim_start();
                } else {
                    *text += &format!(" {}\n", flow(item));
                }
            }
        }
        other => *text += &format!("{}{}\n", " ".repeat(indent), flow(other)),
    }
}

fn below(value: &Value, indent: usize, text: &mut String) {
    if is_long(value) {
        text.push('\n');
        block(value, indent + 2, text);
    } else {
        *text += &format!(" {}\n", flow(value));
    }
}

/// Whether a value takes lines of its own: what is no list of plain values, and no plain value.
fn is_long(value: &Value) -> bool {
    match value {
        Value::Object(entries) => !entries.is_empty(),
        Value::Array(items) => items.iter().any(|item| item.is_object() || item.is_array()),
        _ => false,
    }
}

fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(flow).collect::<Vec<_>>().join(", ")
        ),
        Value::Object(_) => "{}".to_owned(),
        other => other.to_string(),
    }
}
