//! Writing rules in the language of the policy file.

use serde_json::Value;

use crate::{
    Action, Asked, Direction, Measured, Nulls, OnAskError, OnError, OnNoData, QuarantineMode, Rule,
    RuleKind, Severity, TimedRows, Until, WhichBucket,
};

/// The lines of a rule, as an item of the list `rules`: without indentation, and without what goes without saying.
/// `owner` is the one that the table names.
///
/// # Examples
///
/// ```
/// use audit_core::{Policy, policy::rule_lines};
///
/// let text = "version: 1\ntables:\n  public.orders:\n    rules:\n      - range: { total: { min: 0 } }\n        severity: important\n";
/// let policy = Policy::parse(text, "audit.yml").unwrap();
/// assert_eq!(
///     rule_lines(&policy.tables[0].rules[0], ""),
///     ["- range: { total: { min: 0 } }", "  severity: important"]
/// );
/// ```
pub fn rule_lines(rule: &Rule, owner: &str) -> Vec<String> {
    let mut lines = Vec::new();
    if rule.kind.default_name().as_deref() != Some(&rule.name) {
        lines.push(format!("name: {}", value_text(&rule.name)));
    }
    let options = match &rule.kind {
        RuleKind::Expression { expression } => text_lines(expression),
        RuleKind::Sql(sql) => text_lines(&sql.query),
        other => vec![kind_options(other)],
    };
    lines.push(format!("{}: {}", rule.kind.name(), options[0]));
    lines.extend(options.into_iter().skip(1));
    if rule.severity != Severity::Normal {
        lines.push(format!("severity: {}", rule.severity));
    }
    if rule.action != Action::Flag {
        lines.push(format!("action: {}", rule.action));
    }
    if rule.mode != QuarantineMode::default() {
        lines.push(format!("mode: {}", rule.mode.name()));
    }
    if rule.owner != owner {
        lines.push(format!("owner: {}", value_text(&rule.owner)));
    }
    if !rule.why.is_empty() {
        lines.push(format!("why: {}", value_text(&rule.why)));
    }
    if rule.fix_within != rule.severity.fix_within() {
        let period = rule.fix_within.map(crate::Period::short);
        lines.push(format!(
            "fix_within: {}",
            period.unwrap_or_else(|| "none".to_owned())
        ));
    }
    if let Some(condition) = &rule.condition {
        lines.push(format!("where: {}", value_text(condition)));
    }
    if rule.nulls != Nulls::Pass {
        lines.push(format!("nulls: {}", rule.nulls.name()));
    }
    if rule.on_error != OnError::Pass {
        lines.push(format!("on_error: {}", rule.on_error.name()));
    }
    if let Some(mostly) = rule.mostly {
        lines.push(format!("mostly: {mostly}"));
    }
    if rule.shadow {
        lines.push("shadow: true".to_owned());
    }
    if let Some(asked) = asked(&rule.kind) {
        if let Some(every) = asked.every {
            lines.push(format!("every: {}", every.short()));
        }
        if let Some(on_no_data) = asked.on_no_data {
            let word = match on_no_data {
                OnNoData::Pass => "pass",
                OnNoData::Keep => "keep",
                OnNoData::Fail => "fail",
            };
            lines.push(format!("on_no_data: {word}"));
        }
        if let Some(on_error) = asked.on_error {
            let word = match on_error {
                OnAskError::Keep => "keep",
                OnAskError::Fail => "fail",
            };
            lines.push(format!("on_error: {word}"));
        }
    }
    for (place, line) in lines.iter_mut().enumerate() {
        let begin = if place == 0 { "- " } else { "  " };
        line.insert_str(0, begin);
    }
    lines
}

/// What stands behind the name of a kind, on one line.
///
/// # Examples
///
/// ```
/// use audit_core::{RuleKind, policy::kind_options};
///
/// let kind = RuleKind::Length { column: "code".to_owned(), min: Some(2), max: None };
/// assert_eq!(kind_options(&kind), "{ code: { min: 2 } }");
/// ```
pub fn kind_options(kind: &RuleKind) -> String {
    let of = |column: &str, options: String| format!("{{ {}: {options} }}", scalar(column));
    match kind {
        RuleKind::NotNull { column }
        | RuleKind::NotBlank { column }
        | RuleKind::Immutable { column }
        | RuleKind::NotFuture {
            column,
            tolerance: None,
        } => value_text(column),
        RuleKind::NotFuture {
            column,
            tolerance: Some(tolerance),
        } => of(column, format!("{{ tolerance: {} }}", tolerance.short())),
        RuleKind::OneOf { column, values } | RuleKind::NotOneOf { column, values } => {
            of(column, list(values.iter().map(value)))
        }
        RuleKind::Range { column, min, max } => of(
            column,
            map([
                ("min", min.as_ref().map(value)),
                ("max", max.as_ref().map(value)),
            ]),
        ),
        RuleKind::Length { column, min, max } => of(
            column,
            map([
                ("min", min.map(|min| min.to_string())),
                ("max", max.map(|max| max.to_string())),
            ]),
        ),
        RuleKind::Matches { column, pattern } => of(column, value_text(pattern)),
        RuleKind::Format { column, format } => of(column, format.name().to_owned()),
        RuleKind::Expression { expression } => value_text(expression),
        RuleKind::References { column, table, key } => {
            of(column, value_text(&format!("{table}.{}", identifier(key))))
        }
        RuleKind::Unique { columns } => texts(columns),
        RuleKind::NoOverlap { columns, from, to } => map([
            ("columns", some_texts(columns)),
            ("from", Some(value_text(from))),
            ("to", Some(value_text(to))),
        ]),
        RuleKind::Transition { column, allowed } => {
            let ways = allowed
                .iter()
                .map(|(from, to)| format!("{}: {}", scalar(from), list(to.iter().map(value))));
            of(
                column,
                format!("{{ {} }}", ways.collect::<Vec<_>>().join(", ")),
            )
        }
        RuleKind::MaxChange {
            column,
            absolute,
            relative,
        } => of(
            column,
            map([
                ("absolute", absolute.as_ref().map(value)),
                ("relative", relative.as_ref().map(value)),
            ]),
        ),
        RuleKind::Writers {
            roles,
            applications,
        } => map([
            ("roles", some_texts(roles)),
            ("applications", some_texts(applications)),
        ]),
        RuleKind::Fresh(fresh) => with_rows(
            vec![
                ("within", Some(fresh.within.short())),
                ("during", fresh.during.as_deref().map(scalar)),
            ],
            &fresh.rows,
        ),
        RuleKind::Gap(gap) => with_rows(
            vec![
                ("width", Some(gap.width.short())),
                ("over", gap.over.map(crate::Period::short)),
                ("until", (gap.until == Until::Now).then(|| "now".to_owned())),
            ],
            &gap.rows,
        ),
        RuleKind::RowCount(count) => with_rows(
            vec![
                ("per", Some(count.per.short())),
                ("min", count.min.map(|min| min.to_string())),
                ("max", count.max.map(|max| max.to_string())),
            ],
            &count.rows,
        ),
        RuleKind::Volume(volume) => {
            let direction = match volume.direction {
                Direction::Both => None,
                Direction::Drop => Some("drop".to_owned()),
                Direction::Spike => Some("spike".to_owned()),
            };
            with_rows(
                vec![
                    ("per", Some(volume.per.short())),
                    ("history", Some(volume.history.short())),
                    ("minimum", Some(volume.minimum.to_string())),
                    ("threshold", Some(volume.threshold.to_string())),
                    ("direction", direction),
                ],
                &volume.rows,
            )
        }
        RuleKind::Reconcile(reconcile) => {
            let table = &reconcile.table;
            let (count, sum) = match &reconcile.measure {
                Measured::Count => (Some(value_text(table)), None),
                Measured::Sum { column, its } => {
                    let its = value_text(&format!("{table}.{}", identifier(its)));
                    (None, Some(of(column, its)))
                }
            };
            map([
                ("count", count),
                ("sum", sum),
                (
                    "tolerance",
                    reconcile.tolerance.as_ref().map(ToString::to_string),
                ),
                ("group_by", some_texts(&reconcile.group_by)),
            ])
        }
        RuleKind::Sql(sql) => value_text(&sql.query),
        RuleKind::Bounds(bounds) => map([
            ("on", Some(value_text(&bounds.on))),
            ("value", Some(value_text(&bounds.value))),
            ("min", bounds.min.as_ref().map(ToString::to_string)),
            ("max", bounds.max.as_ref().map(ToString::to_string)),
            ("when", bounds.when.as_deref().map(scalar)),
            (
                "bucket",
                (bounds.bucket == WhichBucket::Complete).then(|| "complete".to_owned()),
            ),
        ]),
    }
}

/// A text as YAML: as it is where nobody could take it for something else, else between double quotes, as json has it.
///
/// # Examples
///
/// ```
/// use audit_core::policy::scalar;
///
/// assert_eq!(scalar("public.orders"), "public.orders");
/// assert_eq!(scalar("no"), "\"no\"");
/// ```
pub fn scalar(text: &str) -> String {
    const WORDS: [&str; 12] = [
        "true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf", "infinity",
    ];
    let plain = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && !text.ends_with(' ')
        && text.chars().all(|character| {
            character.is_ascii_alphanumeric() || "_ ./@-()<>=+".contains(character)
        })
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
            '\n' => quoted += "\\n",
            character
                if character.is_control()
                    || matches!(
                        character,
                        '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
                    ) =>
            {
                quoted += &format!("\\u{:04x}", u32::from(character));
            }
            character => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// A text as a value of a policy: what looks like a variable of the environment is none.
///
/// # Examples
///
/// ```
/// use audit_core::policy::value_text;
///
/// assert_eq!(value_text("^a${2}"), "\"^a$${2}\"");
/// ```
pub fn value_text(text: &str) -> String {
    scalar(&text.replace("${", "$${"))
}

/// A name as SQL spells it: between double quotes unless it is of lower-case letters, digits and `_`.
///
/// # Examples
///
/// ```
/// use audit_core::policy::identifier;
///
/// assert_eq!(identifier("amount"), "amount");
/// assert_eq!(identifier("Amount"), "\"Amount\"");
/// ```
pub fn identifier(name: &str) -> String {
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

/// A text of several lines as a block where YAML can say it so, else on one line.
fn text_lines(text: &str) -> Vec<String> {
    let block = text.contains('\n')
        && !text.starts_with(char::is_whitespace)
        && !text.ends_with('\n')
        && !text.chars().any(|character| {
            (character.is_control() && character != '\n')
                || matches!(
                    character,
                    '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
                )
        });
    if !block {
        return vec![value_text(text)];
    }
    let mut lines = vec!["|".to_owned()];
    let text = text.replace("${", "$${");
    lines.extend(text.split('\n').map(|line| format!("  {line}")));
    lines
}

fn asked(kind: &RuleKind) -> Option<&Asked> {
    match kind {
        RuleKind::Fresh(fresh) => Some(&fresh.asked),
        RuleKind::Gap(gap) => Some(&gap.asked),
        RuleKind::RowCount(count) => Some(&count.asked),
        RuleKind::Volume(volume) => Some(&volume.asked),
        RuleKind::Reconcile(reconcile) => Some(&reconcile.asked),
        RuleKind::Sql(sql) => Some(&sql.asked),
        RuleKind::Bounds(bounds) => Some(&bounds.asked),
        _ => None,
    }
}

fn with_rows(mut entries: Vec<(&str, Option<String>)>, rows: &TimedRows) -> String {
    entries.extend([
        ("column", rows.column.as_deref().map(scalar)),
        ("time_zone", rows.time_zone.as_deref().map(scalar)),
        ("group_by", some_texts(&rows.group_by)),
    ]);
    map(entries)
}

fn map<'k>(entries: impl IntoIterator<Item = (&'k str, Option<String>)>) -> String {
    let entries: Vec<String> = entries
        .into_iter()
        .filter_map(|(key, value)| Some(format!("{key}: {}", value?)))
        .collect();
    format!("{{ {} }}", entries.join(", "))
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

fn texts(texts: &[String]) -> String {
    list(texts.iter().map(|text| value_text(text)))
}

fn some_texts(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| texts(names))
}

fn value(value: &Value) -> String {
    match value {
        Value::String(text) => value_text(text),
        other => other.to_string(),
    }
}
