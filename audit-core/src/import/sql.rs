//! Pieces of SQL that imported rules consist of.

use serde_json::Value;

use crate::policy::identifier;

/// A constant without a type, so that it takes that of what it is compared with.
pub(crate) fn literal(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Null => "null".to_owned(),
        Value::String(text) => quoted(text),
        // SQL that stands where other tools take a constant.
        Value::Array(sql) if sql.len() == 1 && sql[0].is_string() => {
            format!("({})", sql[0].as_str().unwrap_or_default())
        }
        other => quoted(&other.to_string()),
    }
}

/// A text between quotes. Rules may not contain a semicolon, so one is put together.
pub(crate) fn quoted(text: &str) -> String {
    let text = text.replace('\'', "''");
    if text.contains(';') {
        return format!("('{}')", text.replace(';', "' || chr(59) || '"));
    }
    format!("'{text}'")
}

/// A list of constants between parentheses.
pub(crate) fn literals<'v>(values: impl IntoIterator<Item = &'v Value>) -> String {
    let values: Vec<String> = values.into_iter().map(literal).collect();
    format!("({})", values.join(", "))
}

/// Columns as SQL names them, separated by commas.
pub(super) fn columns(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| identifier(name)).collect();
    names.join(", ")
}

/// Reads `placed`, `"Placed At"` or `Placed` as SQL would: what is not quoted is lower case. `None` if it is more than a name.
pub(super) fn folded(name: &str) -> Option<String> {
    let name = name.trim();
    if let Some(inner) = name
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    {
        let inner = inner.replace("\"\"", "\"");
        return (!inner.is_empty()).then_some(inner);
    }
    is_plain(name).then(|| name.to_lowercase())
}

/// Whether a text is one name without quotes.
pub(super) fn is_plain(name: &str) -> bool {
    let mut characters = name.chars();
    characters
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_')
        && characters.all(|character| character.is_alphanumeric() || "_$".contains(character))
}

/// A name of a rule, a summary or an alert out of any text.
pub(super) fn slug(text: &str) -> String {
    let mut slug = String::new();
    for character in text.chars() {
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.ends_with('_') && !slug.is_empty() {
            slug.push('_');
        }
        if slug.len() >= 63 {
            break;
        }
    }
    let slug = slug.trim_matches('_');
    match slug.chars().next() {
        None => "rule".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("rule_{slug}").chars().take(63).collect(),
        Some(_) => slug.to_owned(),
    }
}

/// A name that is not taken yet: with a number behind it if need be.
pub(super) fn free(name: &str, taken: impl Fn(&str) -> bool) -> String {
    if !taken(name) {
        return name.to_owned();
    }
    let mut number: usize = 2;
    loop {
        let end = format!("_{number}");
        let begin: String = name.chars().take(63 - end.len()).collect();
        let candidate = format!("{}{end}", begin.trim_end_matches('_'));
        if !taken(&candidate) {
            return candidate;
        }
        number += 1;
    }
}

/// `2026-01-31` and such as a condition reads them; whether SQL that depends on the moment is in a text.
pub(super) fn looks_at_the_clock(condition: &str) -> bool {
    let lower = condition.to_lowercase();
    [
        "now()",
        "current_date",
        "current_timestamp",
        "localtimestamp",
        "clock_timestamp",
        "statement_timestamp",
        "getdate(",
    ]
    .iter()
    .any(|word| lower.contains(word))
}
