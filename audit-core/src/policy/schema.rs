//! The language of the policy as a JSON Schema, for editors: which keys there are, what they mean, which words they take.
//!
//! It says what can be said without looking at the rest of the policy. The reader knows more: which names are declared, and
//! what goes together. What the reader accepts, the schema accepts; tests hold the keys and words of both against each other.

mod alert;
mod channel;
mod rule;

use serde_json::{Map, Value, json};

use crate::{Action, Function, Kept, Nulls, OnError, QuarantineMode, Severity};

/// The JSON Schema of policies, draft 2020-12.
///
/// # Examples
///
/// ```
/// let schema = audit_core::policy::schema();
/// assert_eq!(schema["properties"]["version"]["const"], 1);
/// ```
pub fn schema() -> Value {
    let mut schema = object(
        "a policy",
        "What a team declares: watched tables with their rules, summaries, alerts, channels, routes and silences.",
        [
            (
                "version",
                json!({
                    "const": 1,
                    "description": "The version of the language. The file that is named must say it.",
                }),
            ),
            (
                "include",
                texts(
                    "Other files that belong to the policy: paths as seen from this file, or patterns such as `tables/*.yml`.",
                ),
            ),
            ("defaults", policy_defaults()),
            (
                "tables",
                named(
                    "The watched tables, each as `schema.table`.",
                    json!({ "pattern": "\\." }),
                    table(),
                ),
            ),
            (
                "summaries",
                named(
                    "Aggregates of watched tables that are exact at every moment, each by its name.",
                    plain_names(),
                    summary(),
                ),
            ),
            (
                "alerts",
                named(
                    "Which numbers somebody must hear of, each by its name.",
                    plain_names(),
                    alert::alert(),
                ),
            ),
            (
                "channels",
                named(
                    "Where messages go, each by its name.",
                    plain_names(),
                    channel::channel(),
                ),
            ),
            (
                "routes",
                list(
                    "Which alert goes to which channel. The first route that matches wins, unless it says `continue: true`.",
                    channel::route(),
                ),
            ),
            (
                "silences",
                named(
                    "What nobody has to hear of: planned work, or hours in which a fault is known. Each by its name, each with an end.",
                    plain_names(),
                    alert::silence(),
                ),
            ),
        ],
        &[],
    );
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["patternProperties"] = json!({
        "^x-": { "description": "Not read: a place for what only its anchors are needed of." },
    });
    schema["$defs"] = json!({
        "variable": {
            "type": "string",
            "pattern": "\\$\\{",
            "description": "A variable of the environment: `${NAME}`, or `${NAME:-what holds if it is not set}`.",
        },
    });
    schema
}

fn policy_defaults() -> Value {
    let mut properties = vec![
        (
            "owner",
            text("Who answers for tables and rules that name no owner."),
        ),
        (
            "fix_within",
            object(
                "`fix_within`",
                "How long a failure may last, by severity.",
                Severity::ALL.map(|severity| {
                    (
                        severity.name(),
                        fix_within("How long such a failure may last, or `none`."),
                    )
                }),
                &[],
            ),
        ),
        ("retain", retain(false)),
        (
            "time_zone",
            text(
                "The time zone of buckets, rows and silences that name none, for example `Europe/London`. By default UTC.",
            ),
        ),
        (
            "silences",
            object(
                "`silences` of the defaults",
                "What holds for all silences.",
                [(
                    "longest",
                    period("How long a silence may last, whoever asks for it."),
                )],
                &[],
            ),
        ),
    ];
    properties.extend(of_rules());
    object(
        "`defaults`",
        "What holds where nothing else is said.",
        properties,
        &[],
    )
}

fn of_rules() -> Vec<(&'static str, Value)> {
    let properties = vec![
        (
            "severity",
            severity("How much a failure matters, where a rule does not say it."),
        ),
        (
            "action",
            word(
                &Action::ALL.map(Action::name),
                "What happens to a row that fails, where a rule does not say it and rows can be acted on.",
            ),
        ),
        ("mode", mode()),
        (
            "nulls",
            word(
                &[Nulls::Pass, Nulls::Fail].map(Nulls::name),
                "Whether a predicate that is null passes.",
            ),
        ),
        (
            "on_error",
            word(
                &[OnError::Pass, OnError::Block].map(OnError::name),
                "What a rule that itself raises an error does to the write.",
            ),
        ),
        (
            "shadow",
            truth(
                "Whether rules are on trial: evaluated and counted, without acting and without alerts.",
            ),
        ),
    ];
    properties
}

fn table() -> Value {
    let mut table = object(
        "a table",
        "A watched table. One that is only watched needs no words.",
        [
            (
                "why",
                text("Why the table is audited, in the words of its owner."),
            ),
            ("owner", text("Who answers for the data of the table.")),
            (
                "redact",
                hidden("Columns whose values never enter the log."),
            ),
            ("hash", hidden("Columns of which a hash enters the log.")),
            ("retain", retain(true)),
            (
                "defaults",
                object(
                    "`defaults` of a table",
                    "What holds for the rules of this table where they say nothing else.",
                    of_rules(),
                    &[],
                ),
            ),
            ("rules", list("What correct rows look like.", rule::rule())),
        ],
        &[],
    );
    table["type"] = json!(["object", "null"]);
    table
}

fn summary() -> Value {
    let measures = Function::ALL.map(|function| {
        let about = match function {
            Function::Count => return (function.name(), json!({ "const": true, "description": "How many rows there are; `count` alone says the same." })),
            Function::CountIf => "For how many rows a condition is true.",
            Function::Sum => "The sum of an expression.",
            Function::Avg => "The mean of an expression.",
            Function::Min => "The least value of an expression.",
            Function::Max => "The greatest value of an expression.",
            Function::Stddev => "The standard deviation of an expression.",
        };
        (function.name(), text(about))
    });
    let mut measure = object(
        "a measure",
        "One function over an expression.",
        measures,
        &[],
    );
    measure["minProperties"] = json!(1);
    measure["maxProperties"] = json!(1);
    let group = json!({ "anyOf": [
        text("A column."),
        {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": text("An SQL expression, or `column -> other_column` for a column of the table that `column` references."),
        },
    ] });
    object(
        "a summary",
        "An aggregate of a watched table that is exact at every moment. Readers find it as `audit_compiled.<name>`.",
        [
            ("from", text("The watched table, as `schema.table`.")),
            (
                "bucket",
                object(
                    "`bucket`",
                    "Stretches of time.",
                    [
                        ("column", text("The column that says when a row belongs.")),
                        (
                            "width",
                            period("How long a bucket is, for example `1 day`."),
                        ),
                        (
                            "time_zone",
                            text(
                                "The time zone in which buckets begin, for example `America/New_York`. By default that of the defaults, or UTC.",
                            ),
                        ),
                    ],
                    &["column", "width"],
                ),
            ),
            (
                "group_by",
                json!({
                    "description": "Columns, or names of expressions: `[origin, { airline: carrier -> name }]`.",
                    "anyOf": [group, { "type": "array", "minItems": 1, "items": group }],
                }),
            ),
            (
                "measures",
                json!({
                    "type": "object",
                    "description": "The numbers, each by its name.",
                    "minProperties": 1,
                    "propertyNames": plain_names(),
                    "additionalProperties": { "anyOf": [{ "const": "count", "description": "How many rows there are." }, measure] },
                }),
            ),
            (
                "where",
                text("The summary is about rows for which this SQL condition is true."),
            ),
            (
                "retain",
                period("How long buckets are kept after they are over."),
            ),
        ],
        &["from", "measures"],
    )
}

/// A mapping with known keys. `title` is what the reader calls it.
fn object<'k>(
    title: &str,
    about: &str,
    properties: impl IntoIterator<Item = (&'k str, Value)>,
    required: &[&str],
) -> Value {
    let properties: Map<String, Value> = properties
        .into_iter()
        .map(|(name, schema)| (name.to_owned(), schema))
        .collect();
    let mut schema = json!({
        "type": "object",
        "title": title,
        "description": about,
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// A mapping whose keys are names that the author chose.
fn named(about: &str, names: Value, of: Value) -> Value {
    json!({ "type": "object", "description": about, "propertyNames": names, "additionalProperties": of })
}

/// A mapping of columns.
fn by_column(about: &str, of: Value) -> Value {
    json!({ "type": "object", "description": about, "minProperties": 1, "additionalProperties": of })
}

fn plain_names() -> Value {
    json!({ "pattern": "^[a-z_][a-z0-9_]{0,62}$" })
}

fn list(about: &str, of: Value) -> Value {
    json!({ "type": "array", "description": about, "minItems": 1, "items": of })
}

fn text(about: &str) -> Value {
    json!({ "type": "string", "description": about, "pattern": "\\S" })
}

fn texts(about: &str) -> Value {
    let text = json!({ "type": "string", "pattern": "\\S" });
    json!({
        "description": about,
        "anyOf": [text, { "type": "array", "minItems": 1, "uniqueItems": true, "items": text }],
    })
}

/// Something that a variable may stand for.
fn or_variable(about: &str, schema: Value) -> Value {
    json!({ "description": about, "anyOf": [schema, { "$ref": "#/$defs/variable" }] })
}

fn word(words: &[&str], about: &str) -> Value {
    or_variable(about, json!({ "enum": words }))
}

fn truth(about: &str) -> Value {
    or_variable(about, json!({ "type": "boolean" }))
}

fn number(about: &str) -> Value {
    or_variable(about, json!({ "type": "number" }))
}

fn positive(about: &str) -> Value {
    or_variable(about, json!({ "type": "number", "exclusiveMinimum": 0 }))
}

fn whole(about: &str, least: u64) -> Value {
    or_variable(about, json!({ "type": "integer", "minimum": least }))
}

fn period(about: &str) -> Value {
    or_variable(
        about,
        json!({
            "type": "string",
            "pattern": "^\\s*[0-9]+\\s*(s|sec|seconds?|m|min|minutes?|h|hours?|d|days?|w|weeks?|months?|y|years?)\\s*$",
        }),
    )
}

fn fix_within(about: &str) -> Value {
    json!({ "anyOf": [{ "enum": ["none", null] }, period(about)], "description": about })
}

/// Columns, of which there may be none.
fn hidden(about: &str) -> Value {
    let text = json!({ "type": "string", "pattern": "\\S" });
    json!({
        "description": about,
        "anyOf": [text, { "type": "array", "uniqueItems": true, "items": text }],
    })
}

fn retain(of_a_table: bool) -> Value {
    let about = "How long what is over is kept; for ever where nothing is said.";
    let kinds = Kept::ALL
        .into_iter()
        .filter(|kind| !of_a_table || kind.is_of_a_table());
    let kept = kinds.map(|kind| {
        let about = "A length of time, or `forever`.";
        (
            kind.name(),
            json!({ "anyOf": [{ "enum": ["forever"] }, period(about)], "description": about }),
        )
    });
    object("`retain`", about, kept, &[])
}

fn severity(about: &str) -> Value {
    word(&Severity::ALL.map(Severity::name), about)
}

fn mode() -> Value {
    word(
        &QuarantineMode::ALL.map(QuarantineMode::name),
        "What quarantine does with a row: `set_aside` takes it out of the table, `hide` leaves it there and takes it out of the view.",
    )
}

fn severities(about: &str) -> Value {
    let severity = severity(about);
    json!({ "description": about, "anyOf": [severity, { "type": "array", "minItems": 1, "items": severity }] })
}

/// A value as columns have it.
fn value() -> Value {
    json!({ "type": ["string", "number", "boolean"] })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::super::read::asked;
    use super::*;
    use crate::Policy;

    const EVERYTHING: &str = include_str!("../../tests/policies/accepted/everything.yml");

    /// Everything in the schema that is a mapping with known keys, by its title, and the words of every key.
    fn collect(
        schema: &Value,
        objects: &mut BTreeMap<String, BTreeSet<Vec<String>>>,
        words: &mut BTreeSet<(String, Vec<String>)>,
    ) {
        if let (Some(title), Some(properties)) =
            (schema["title"].as_str(), schema["properties"].as_object())
        {
            let keys = properties.keys().cloned().collect();
            objects.entry(title.to_owned()).or_default().insert(keys);
            for (key, schema) in properties {
                let lists = [schema, &schema["anyOf"][0], &schema["anyOf"][0]["anyOf"][0]];
                for list in lists {
                    if let Some(list) = list["enum"].as_array() {
                        let list = list.iter().filter_map(Value::as_str).map(str::to_owned);
                        words.insert((key.clone(), list.collect()));
                    }
                }
            }
        }
        match schema {
            Value::Object(fields) => fields
                .values()
                .for_each(|value| collect(value, objects, words)),
            Value::Array(items) => items
                .iter()
                .for_each(|value| collect(value, objects, words)),
            _ => {}
        }
    }

    #[test]
    fn the_schema_knows_the_keys_and_words_of_the_reader_and_no_others() {
        let (mut objects, mut words) = (BTreeMap::new(), BTreeSet::new());
        collect(&schema(), &mut objects, &mut words);
        Policy::parse(EVERYTHING, "everything.yml").unwrap_or_else(|errors| panic!("{errors}"));
        let mut asked_for: BTreeMap<String, BTreeSet<Vec<String>>> = BTreeMap::new();
        for (what, keys) in asked::KEYS.take() {
            // Secrets are asked for under the name of their key.
            let what = if keys == ["env", "file"] {
                "a secret".to_owned()
            } else {
                what
            };
            asked_for.entry(what).or_default().insert(keys);
        }
        for (title, keys) in &objects {
            assert_eq!(Some(keys), asked_for.get(title), "{title}");
        }
        for title in asked_for.keys() {
            assert!(
                objects.contains_key(title),
                "the schema does not know {title}"
            );
        }
        for (what, list) in asked::WORDS.take() {
            let known = words.iter().any(|(key, words)| {
                *key == what
                    && (*words == list
                        || what == "on_error" && list.iter().all(|word| words.contains(word)))
            });
            // The formats of a rule belong to columns.
            assert!(known || what == "format", "`{what}` takes {list:?}");
        }
    }

    #[test]
    fn every_key_of_the_schema_is_described() {
        fn check(schema: &Value, path: &str) {
            if let Some(properties) = schema["properties"].as_object() {
                for (key, schema) in properties {
                    let about = schema["description"].as_str().unwrap_or_default();
                    assert!(about.ends_with(['.', '`']), "{path}/{key}: {about:?}");
                }
            }
            match schema {
                Value::Object(fields) => fields
                    .iter()
                    .for_each(|(name, value)| check(value, &format!("{path}/{name}"))),
                Value::Array(items) => items.iter().for_each(|value| check(value, path)),
                _ => {}
            }
        }
        check(&schema(), "");
    }
}
