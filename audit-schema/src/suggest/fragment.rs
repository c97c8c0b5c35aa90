//! A policy is written, with what speaks for each rule as a comment.

use audit_core::RuleKind;
use serde_json::Value;

use super::Suggested;

/// The suggestions as a policy that `audit plan` reads: every rule is in shadow, which counts what fails and does nothing.
///
/// # Examples
///
/// ```
/// use audit_core::RuleKind;
/// use audit_schema::suggest::{Suggested, Suggestion, policy_fragment};
///
/// let orders = Suggested {
///     table: "public.orders".to_owned(),
///     rows: 5_000,
///     estimated: 5_000,
///     whole: true,
///     rules: vec![Suggestion {
///         kind: RuleKind::NotNull { column: "region".to_owned() },
///         mostly: Some(0.99),
///         evidence: "99.54 % of 5,000 rows have a value.".to_owned(),
///     }],
///     notes: Vec::new(),
/// };
/// assert!(policy_fragment(&[orders]).ends_with("
///       ## 99.54 % of 5,000 rows have a value.
///       - not_null: region
///         mostly: 0.99
///         shadow: true
/// "));
/// ```
#[must_use]
pub fn policy_fragment(suggested: &[Suggested]) -> String {
    let mut text = String::from(
        "# Suggested by `audit suggest` from the rows that are there, which may be wrong themselves. Every rule is in shadow: it is
# evaluated and counted, and nothing is done. Keep what is true, say why and how much it matters, and take the shadow away.

version: 1

tables:
",
    );
    for (place, table) in suggested.iter().enumerate() {
        if place > 0 {
            text.push('\n');
        }
        let looked_at = if table.whole {
            format!("All {} rows were looked at.", thousands(table.rows))
        } else {
            format!(
                "{} of about {} rows were looked at, as a sample of whole blocks.",
                thousands(table.rows),
                thousands(table.estimated)
            )
        };
        text += &format!("  # {looked_at}\n");
        for note in &table.notes {
            text += &format!("  # {note}\n");
        }
        text += &format!("  {}:\n", scalar(&table.table));
        // A table without rules is only watched.
        if table.rules.is_empty() {
            continue;
        }
        text += "    rules:\n";
        for (place, rule) in table.rules.iter().enumerate() {
            if place > 0 {
                text.push('\n');
            }
            text += &format!(
                "      # {}\n      - {}: {}\n",
                rule.evidence,
                rule.kind.name(),
                options(&rule.kind)
            );
            if let Some(mostly) = rule.mostly {
                text += &format!("        mostly: {mostly}\n");
            }
            text += "        shadow: true\n";
        }
    }
    text
}

/// What stands behind the name of the kind.
fn options(kind: &RuleKind) -> String {
    let list = |items: &mut dyn Iterator<Item = String>| {
        format!("[{}]", items.collect::<Vec<_>>().join(", "))
    };
    match kind {
        RuleKind::NotNull { column }
        | RuleKind::NotBlank { column }
        | RuleKind::NotFuture { column, .. } => scalar(column),
        RuleKind::Unique { columns } => list(&mut columns.iter().map(|column| scalar(column))),
        RuleKind::References { column, table, key } => {
            let target = format!("{table}.{}", identifier(key));
            format!("{{ {}: {} }}", scalar(column), scalar(&target))
        }
        RuleKind::OneOf { column, values } => {
            format!(
                "{{ {}: {} }}",
                scalar(column),
                list(&mut values.iter().map(value))
            )
        }
        RuleKind::Matches { column, pattern } => {
            format!("{{ {}: {} }}", scalar(column), scalar(pattern))
        }
        RuleKind::Format { column, format } => {
            format!("{{ {}: {} }}", scalar(column), format.name())
        }
        RuleKind::Range { column, min, max } => {
            bounds(column, min.as_ref().map(value), max.as_ref().map(value))
        }
        RuleKind::Length { column, min, max } => bounds(
            column,
            min.map(|min| min.to_string()),
            max.map(|max| max.to_string()),
        ),
        // No other kind is suggested; json is YAML.
        other => other.definition().to_string(),
    }
}

fn bounds(column: &str, min: Option<String>, max: Option<String>) -> String {
    let bounds: Vec<String> = [("min", min), ("max", max)]
        .into_iter()
        .filter_map(|(name, bound)| Some(format!("{name}: {}", bound?)))
        .collect();
    format!("{{ {}: {{ {} }} }}", scalar(column), bounds.join(", "))
}

fn value(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// A text as YAML: as it is where nobody could take it for something else, else between double quotes, as json has it.
fn scalar(text: &str) -> String {
    const WORDS: [&str; 12] = [
        "true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf", "infinity",
    ];
    let plain = text
        .chars()
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && text
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "_.".contains(character))
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if plain {
        return text.to_owned();
    }
    // YAML takes some characters for the end of a line, or for none at all, that json leaves as they are.
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted += "\\\"",
            '\\' => quoted += "\\\\",
            character
                if character.is_control()
                    || matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}') =>
            {
                quoted += &format!("\\u{:04x}", u32::from(character));
            }
            character => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// A column as SQL names it.
pub(super) fn identifier(name: &str) -> String {
    let plain = name
        .chars()
        .next()
        .is_some_and(|first| first.is_ascii_lowercase() || first == '_')
        && name.chars().all(|character| {
            character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_'
        });
    if plain {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

pub(super) fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
