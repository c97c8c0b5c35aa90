//! What SodaCL takes as missing and as valid.

use crate::import::expectation::{one_of, unknown_to_postgresql};
use crate::import::mapped::{Between, Mapped};
use crate::import::sql::quoted;
use crate::policy::identifier;
use crate::policy::node::Node;
use crate::{Format, RuleKind};

/// Null, and what `missing values` and `missing regex` name besides.
pub(super) fn missing(column: &str, config: Option<&Node>) -> Mapped {
    let get = |key: &str| config.and_then(|config| config.get(key));
    let name = identifier(column);
    let mut parts = vec![format!("{name} is not null")];
    let values = get("missing values").map(Node::texts).unwrap_or_default();
    if !values.is_empty() {
        let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
        parts.push(format!("{name}::text not in ({})", values.join(", ")));
    }
    if let Some(pattern) = get("missing regex").and_then(Node::text) {
        if let Some(unknown) = unknown_to_postgresql(pattern) {
            return Mapped::not(format!(
                "PostgreSQL's regular expressions do not know `{unknown}`"
            ));
        }
        parts.push(format!(
            "{name}::text !~ {}",
            quoted(&format!("^(?:{pattern})$"))
        ));
    }
    if get("missing format").is_some() {
        return Mapped::not("`missing format` is not known");
    }
    if parts.len() == 1 {
        return Mapped::rule(RuleKind::NotNull {
            column: column.to_owned(),
        });
    }
    Mapped::expression(format!("not_missing_{column}"), parts.join(" and "))
}

/// One rule for each demand.
pub(super) fn valid(column: &str, config: Option<&Node>) -> Mapped {
    let mut all = Mapped::default();
    let value = |key: &str| {
        config
            .and_then(|config| config.get(key))
            .and_then(Node::constant)
    };
    let between = |min: &str, max: &str| Between {
        min: value(min),
        max: value(max),
        ..Between::default()
    };
    let entries = config
        .map(|config| config.entries().collect::<Vec<_>>())
        .unwrap_or_default();
    for (key, node) in entries {
        let constants = || {
            node.one_or_many()
                .iter()
                .filter_map(Node::constant)
                .collect()
        };
        let mapped = match key {
            "valid values" => one_of(column.to_owned(), (constants(), false), true),
            "invalid values" => one_of(column.to_owned(), (constants(), false), false),
            "valid regex" => matches(column, node, true),
            "invalid regex" => matches(column, node, false),
            "valid format" => format(column, node.text().unwrap_or_default()),
            "invalid format" => Mapped::not("`invalid format` is not known"),
            "valid length" => match node.constant() {
                Some(length) => Between::exactly(length).length(column),
                None => Mapped::not("its `valid length` is no number"),
            },
            "valid min length" | "valid max length" => {
                if key == "valid max length" && value("valid min length").is_some() {
                    continue;
                }
                between("valid min length", "valid max length").length(column)
            }
            "valid min" | "valid max" => {
                if key == "valid max" && value("valid min").is_some() {
                    continue;
                }
                between("valid min", "valid max").rule(column)
            }
            _ => continue,
        };
        all = all.with(mapped);
    }
    if all.drafts.is_empty() && all.refused.is_none() {
        return Mapped::not("it does not say which values are valid");
    }
    all
}

fn matches(column: &str, node: &Node, among: bool) -> Mapped {
    let Some(pattern) = node.text() else {
        return Mapped::not("its regular expression is no text");
    };
    if let Some(unknown) = unknown_to_postgresql(pattern) {
        return Mapped::not(format!(
            "PostgreSQL's regular expressions do not know `{unknown}`"
        ));
    }
    if among {
        return Mapped::rule(RuleKind::Matches {
            column: column.to_owned(),
            pattern: pattern.to_owned(),
        });
    }
    Mapped::expression(
        format!("no_match_{column}"),
        format!("{}::text !~ {}", identifier(column), quoted(pattern)),
    )
}

/// A named format: ours where there is one, else a regular expression.
fn format(column: &str, name: &str) -> Mapped {
    let column = column.to_owned();
    let ours = match name {
        "email" => Some((Format::Email, None)),
        "uuid" => Some((Format::Uuid, None)),
        "ip address" => Some((Format::Ip, None)),
        "ipv4 address" => Some((Format::Ipv4, None)),
        "ipv6 address" => Some((Format::Ipv6, None)),
        "date iso 8601" => Some((Format::IsoDate, Some("a date has no time of day here"))),
        "timestamp 24h" => Some((
            Format::IsoDatetime,
            Some("a moment is a date and a time here, as ISO 8601 has them"),
        )),
        "time 24h" => Some((Format::Time, None)),
        "phone number" => Some((Format::PhoneE164, Some("only numbers as +4930123456 pass"))),
        _ => None,
    };
    if let Some((format, difference)) = ours {
        let mapped = Mapped::rule(RuleKind::Format { column, format });
        return match difference {
            Some(difference) => mapped.differs(difference),
            None => mapped,
        };
    }
    let pattern = match name {
        "integer" => r"^\s*[-+]?\s*[0-9]+\s*$",
        "positive integer" => r"^\s*\+?\s*[0-9]+\s*$",
        "negative integer" => r"^\s*(-\s*[0-9]+|0+)\s*$",
        "decimal" | "decimal point" => r"^\s*[-+]?\s*([0-9]+\.?[0-9]*|\.[0-9]+)\s*$",
        "positive decimal" | "positive decimal point" => {
            r"^\s*\+?\s*([0-9]+\.?[0-9]*|\.[0-9]+)\s*$"
        }
        "decimal comma" => r"^\s*[-+]?\s*([0-9]+,?[0-9]*|,[0-9]+)\s*$",
        "percentage" | "percentage point" => r"^\s*[-+]?\s*([0-9]+\.?[0-9]*|\.[0-9]+)\s*%\s*$",
        "date us" => r"^(0?[1-9]|1[0-2])[-./](0?[1-9]|[12][0-9]|3[01])[-./][0-9]{2,4}$",
        "date eu" => r"^(0?[1-9]|[12][0-9]|3[01])[-./](0?[1-9]|1[0-2])[-./][0-9]{2,4}$",
        "date inverse" => r"^[0-9]{4}[-./](0?[1-9]|1[0-2])[-./](0?[1-9]|[12][0-9]|3[01])$",
        "time 12h" => r"^(0?[1-9]|1[0-2]):[0-5][0-9](:[0-5][0-9])?\s*([AaPp][Mm])$",
        "credit card number" => r"^[0-9]{4}[- ]?[0-9]{4}[- ]?[0-9]{4}[- ]?[0-9]{1,7}$",
        "money" => r"^\s*[-+]?\s*([A-Z]{3}|[$€£¥])?\s*[0-9][0-9.,]*\s*([A-Z]{3}|[$€£¥])?\s*$",
        other => {
            return Mapped::not(format!(
                "the format `{other}` is not known; `valid regex` says the like"
            ));
        }
    };
    Mapped::rule(RuleKind::Matches {
        column,
        pattern: pattern.to_owned(),
    })
    .differs(format!(
        "`{name}` is written as a regular expression of ours"
    ))
}
