//! Quality rules of a contract: library metrics, SQL and checks of other engines.

use serde_json::Value;

use super::super::aggregate::count_rows;
use super::super::collect::{Check, Collector, Threshold};
use super::super::document;
use super::super::expectation::{self, Args, one_of, unique, unknown_to_postgresql};
use super::super::mapped::{Between, Mapped, Rows};
use super::super::sql::slug;
use super::{RULE, Table, custom, filled, texts};
use crate::policy::identifier;
use crate::policy::node::Node;
use crate::{Rule, RuleKind, Severity};

pub(super) fn read(
    collector: &mut Collector,
    table: &Table<'_>,
    column: Option<&str>,
    item: &Node,
) {
    let about = column.map_or_else(
        || table.called.to_owned(),
        |column| format!("{}.{column}", table.called),
    );
    let metric = item
        .get("metric")
        .or_else(|| item.get("rule"))
        .and_then(Node::text);
    let given = item.get("type").and_then(Node::text);
    let kind = given.unwrap_or(if metric.is_some() { "library" } else { "text" });
    let name = item
        .get("name")
        .or_else(|| item.get("id"))
        .and_then(Node::text);
    let what = match kind {
        "library" => metric.unwrap_or("library"),
        other => other,
    };
    let mut check = Check::new(&table.name, format!("{about}: {what}"), item.line());
    check.name = name.map(str::to_owned);
    check.why = item
        .get("description")
        .and_then(Node::text)
        .unwrap_or_default()
        .to_owned();
    check.severity = severity(item);
    if let Some(value) = custom(item, RULE) {
        match serde_json::from_value::<Rule>(value.to_json()) {
            Ok(rule) => collector.exact(&check, &rule),
            Err(_) => collector.add(
                &check,
                Mapped::not(format!("its property `{RULE}` is no rule")),
            ),
        }
        return;
    }
    let rows = Rows {
        table: &table.name,
        condition: None,
    };
    let mapped = match kind {
        "library" => library(metric.unwrap_or_default(), column, item, rows, &mut check),
        "sql" => sql(column, item, rows),
        "text" => Mapped::not("words for people, which no program can check"),
        "custom" => engine(column, item, rows, &mut check),
        other => Mapped::not(format!("quality of the type `{other}` is not known")),
    };
    collector.add(&check, mapped);
}

fn severity(item: &Node) -> Severity {
    let regulatory = item
        .get("businessImpact")
        .and_then(Node::text)
        .is_some_and(|impact| impact.to_lowercase().contains("regulatory"));
    match item
        .get("severity")
        .and_then(Node::text)
        .map(str::to_lowercase)
        .as_deref()
    {
        Some("error" | "fail") if regulatory => Severity::Critical,
        Some("error" | "fail" | "high" | "major") => Severity::Important,
        Some("warning" | "warn" | "medium") => Severity::Normal,
        Some("info" | "minor") => Severity::Low,
        Some(word) => word.parse().unwrap_or(Severity::Normal),
        None => Severity::Normal,
    }
}

/// The one operator of an item, as bounds.
fn operator(item: &Node) -> Result<Between, Mapped> {
    let mut found = Vec::new();
    let value = |key: &str| item.get(key).and_then(Node::constant);
    for (key, between) in [
        ("mustBe", value("mustBe").map(Between::exactly)),
        (
            "mustNotBe",
            value("mustNotBe").map(|value| Between {
                outside: true,
                ..Between::exactly(value)
            }),
        ),
        (
            "mustBeGreaterThan",
            value("mustBeGreaterThan").map(|value| Between {
                min: Some(value),
                above_min: true,
                ..Between::default()
            }),
        ),
        (
            "mustBeGreaterOrEqualTo",
            value("mustBeGreaterOrEqualTo")
                .or_else(|| value("mustBeGreaterThanOrEqualTo"))
                .map(|value| Between {
                    min: Some(value),
                    ..Between::default()
                }),
        ),
        (
            "mustBeLessThan",
            value("mustBeLessThan").map(|value| Between {
                max: Some(value),
                below_max: true,
                ..Between::default()
            }),
        ),
        (
            "mustBeLessOrEqualTo",
            value("mustBeLessOrEqualTo")
                .or_else(|| value("mustBeLessThanOrEqualTo"))
                .map(|value| Between {
                    max: Some(value),
                    ..Between::default()
                }),
        ),
        (
            "mustBeBetween",
            pair(item.get("mustBeBetween")).map(|(min, max)| Between {
                min: Some(min),
                max: Some(max),
                ..Between::default()
            }),
        ),
        (
            "mustNotBeBetween",
            pair(item.get("mustNotBeBetween")).map(|(min, max)| Between {
                min: Some(min),
                max: Some(max),
                outside: true,
                ..Between::default()
            }),
        ),
    ] {
        if let Some(between) = between {
            found.push((key, between));
        }
    }
    match found.len() {
        1 => Ok(found.remove(0).1),
        0 => Err(Mapped::not("it has no operator, such as `mustBe: 0`")),
        _ => {
            let names: Vec<&str> = found.iter().map(|(key, _)| *key).collect();
            Err(Mapped::not(format!(
                "it has several operators: {}",
                names.join(", ")
            )))
        }
    }
}

fn pair(node: Option<&Node>) -> Option<(Value, Value)> {
    match node?.items() {
        [min, max] => Some((min.constant()?, max.constant()?)),
        _ => None,
    }
}

fn library(
    metric: &str,
    column: Option<&str>,
    item: &Node,
    rows: Rows<'_>,
    check: &mut Check,
) -> Mapped {
    let between = match operator(item) {
        Ok(between) => between,
        // The older words need none: what is not valid must not be.
        Err(_) if item.get("rule").is_some() && metric != "rowCount" => Between::exactly(0.into()),
        Err(refused) => return refused,
    };
    let argument = |key: &str| {
        item.get("arguments")
            .and_then(|arguments| arguments.get(key))
            .or_else(|| item.get(key))
    };
    if metric == "rowCount" {
        return count_rows(between, Vec::new()).unwrap_or_else(|refused| refused);
    }
    let column = match (metric, column) {
        (_, Some(column)) => column,
        ("duplicateValues" | "duplicateCount", None) => "",
        _ => return Mapped::not("it stands at a table, and only at a column it means something"),
    };
    let mapped = match metric {
        "nullValues" | "nullCheck" => Mapped::rule(RuleKind::NotNull {
            column: column.to_owned(),
        }),
        "missingValues" => missing(column, argument("missingValues")),
        "invalidValues" | "validValues" => invalid(
            column,
            argument("validValues"),
            argument("pattern").and_then(Node::text),
        ),
        "duplicateValues" | "duplicateCount" => {
            let names = argument("properties").map(Node::texts).unwrap_or_default();
            let names = if names.is_empty() && !column.is_empty() {
                vec![column.to_owned()]
            } else {
                names
            };
            if names.is_empty() {
                return Mapped::not("it does not say which `properties` are unique together");
            }
            unique(names, rows)
        }
        other => return Mapped::not(format!("the metric `{other}` is not known")),
    };
    let counts_values = metric.starts_with("duplicate");
    let percent = item.get("unit").and_then(Node::text) == Some("percent");
    allowed(mapped, &between, percent, counts_values, check)
}

/// How many rows may fail: none, a share, or a number from which on somebody hears of it.
pub(in crate::import) fn allowed(
    mapped: Mapped,
    between: &Between,
    percent: bool,
    counts_values: bool,
    check: &mut Check,
) -> Mapped {
    if mapped.refused.is_some() {
        return mapped;
    }
    let max = between.max.as_ref().and_then(Value::as_f64);
    let min = between.min.as_ref().and_then(Value::as_f64);
    let none = !between.outside
        && min.unwrap_or(0.0) <= 0.0
        && !between.above_min
        && matches!((max, between.below_max), (Some(max), false) if max == 0.0);
    let none = none || (!percent && between.min.is_none() && between.below_max && max == Some(1.0));
    if none {
        return mapped;
    }
    let bounded_above = between.min.is_none() && !between.outside;
    if percent {
        let Some(share) = max.filter(|share| bounded_above && *share > 0.0 && *share <= 100.0)
        else {
            return Mapped::not(
                "a share of failing rows that is too small can not be said, only one that is too large",
            );
        };
        // So that 5 percent are 0.95 and not 0.9500000000000001.
        check.mostly = Some(((100.0 - share) * 1e8).round() / 1e10);
        let mapped = if between.below_max {
            mapped.differs(format!("exactly {share} % of failing rows pass here"))
        } else {
            mapped
        };
        return if counts_values {
            mapped.differs("the share of rows counts here, not that of values")
        } else {
            mapped
        };
    }
    let whole = |bound: &Option<Value>| bound.as_ref().is_none_or(|bound| bound.as_u64().is_some());
    if between.is_open() || !whole(&between.min) || !whole(&between.max) {
        return Mapped::not("its bounds are no numbers of rows");
    }
    check.thresholds.push(Threshold {
        severity: check.severity,
        when: format!("not ({})", between.condition("failing")),
    });
    check.severity = Severity::Low;
    if counts_values {
        mapped.differs("rows count here, not values that repeat")
    } else {
        mapped
    }
}

fn missing(column: &str, values: Option<&Node>) -> Mapped {
    let values = values.map_or(&[][..], Node::items);
    let null = values.is_empty() || values.iter().any(Node::is_null);
    let others: Vec<String> = values.iter().filter_map(Node::written).collect();
    let name = identifier(column);
    match (null, others.is_empty()) {
        (true, true) => Mapped::rule(RuleKind::NotNull {
            column: column.to_owned(),
        }),
        (null, _) => {
            let known = if null {
                format!("{name} is not null and ")
            } else {
                String::new()
            };
            Mapped::expression(
                format!("not_missing_{column}"),
                format!("{known}{name}::text not in ({})", texts(&others)),
            )
        }
    }
}

fn invalid(column: &str, values: Option<&Node>, regex: Option<&str>) -> Mapped {
    let mut mapped = Mapped::default();
    if let Some(values) = values {
        let values = values
            .one_or_many()
            .iter()
            .filter_map(Node::constant)
            .collect();
        mapped = mapped.with(one_of(column.to_owned(), (values, false), true));
    }
    if let Some(regex) = regex {
        mapped = mapped.with(pattern(column, regex));
    }
    if mapped.drafts.is_empty() && mapped.refused.is_none() {
        return Mapped::not("it says neither `validValues` nor a `pattern`");
    }
    mapped
}

pub(super) fn pattern(column: &str, pattern: &str) -> Mapped {
    match unknown_to_postgresql(pattern) {
        Some(unknown) => Mapped::not(format!(
            "PostgreSQL's regular expressions do not know `{unknown}`"
        )),
        None => Mapped::rule(RuleKind::Matches {
            column: column.to_owned(),
            pattern: pattern.to_owned(),
        }),
    }
}

/// A query that gives one number, which is compared.
fn sql(column: Option<&str>, item: &Node, rows: Rows<'_>) -> Mapped {
    let Some(query) = item.get("query").and_then(Node::text) else {
        return Mapped::not("it does not say its `query`");
    };
    let between = match operator(item) {
        Ok(between) => between,
        Err(refused) => return refused,
    };
    let query = filled(query, rows.table, column);
    let query = query.trim().trim_end_matches(';').trim_end();
    if query.contains(['{', '}']) {
        return Mapped::not("its query has a placeholder that is not known");
    }
    let name = column.map_or_else(|| "query".to_owned(), |column| format!("query_{column}"));
    Mapped::query(
        slug(&name),
        format!(
            "select value\nfrom (\n{query}\n) as result (value)\nwhere not ({})",
            between.condition("value")
        ),
    )
}

/// A check in the language of another tool.
fn engine(column: Option<&str>, item: &Node, rows: Rows<'_>, check: &mut Check) -> Mapped {
    let engine = item.get("engine").and_then(Node::text).unwrap_or_default();
    let Some(implementation) = item.get("implementation") else {
        return Mapped::not("it does not say its `implementation`");
    };
    if ![
        "greatexpectations",
        "great-expectations",
        "great_expectations",
    ]
    .contains(&engine.to_lowercase().as_str())
    {
        return Mapped::not(format!(
            "checks of the engine `{engine}` are not read from a contract"
        ));
    }
    let read;
    let node = match implementation.text() {
        Some(text) => match document::yaml(text, "implementation") {
            Ok(node) => {
                read = node;
                &read
            }
            Err(_) => return Mapped::not("its `implementation` is no YAML"),
        },
        None => implementation,
    };
    let kind = node
        .get("type")
        .or_else(|| node.get("expectation_type"))
        .and_then(Node::text);
    let Some(kind) = kind else {
        return Mapped::not("its `implementation` has no `type`");
    };
    let kwargs = node.get("kwargs");
    // The standard's own example says minValue.
    let plain = kwargs.map(snake);
    check.mostly = plain
        .as_ref()
        .and_then(|kwargs| kwargs.get("mostly"))
        .and_then(Node::number);
    let args = Args {
        maps: plain.as_ref().into_iter().collect(),
        column: column.map(str::to_owned),
        folds: false,
        table: &|_| None,
    };
    expectation::map(&kind.to_lowercase(), &args, rows)
        .unwrap_or_else(|| Mapped::not("an expectation of this name is not known"))
}

/// The same mapping with `min_value` for `minValue`.
fn snake(node: &Node) -> Node {
    let value = node.entries().map(|(key, value)| {
        let mut name = String::new();
        for character in key.chars() {
            if character.is_ascii_uppercase() && key != "column_A" && key != "column_B" {
                name.push('_');
            }
            name.push(if key.starts_with("column_") {
                character
            } else {
                character.to_ascii_lowercase()
            });
        }
        (name, value.to_json())
    });
    document::from_json(Value::Object(value.collect()))
}
