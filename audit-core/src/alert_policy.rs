//! Alert policies: which numbers somebody must hear of.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::{Period, Severity};

/// Which numbers somebody must hear of, and in which words.
///
/// Serialised, it is what the database stores as the definition of the policy.
///
/// # Examples
///
/// ```
/// use audit_core::{AlertPolicy, AlertSeverity, Subject};
///
/// let policy: AlertPolicy = serde_json::from_value(serde_json::json!({
///     "on": "rules", "when": "failing_ratio > 0.05", "for": "10 minutes", "severity": "inherit",
/// })).unwrap();
/// assert_eq!(policy.on, Subject::Rules);
/// assert_eq!(policy.severity, AlertSeverity::Inherit);
/// assert_eq!(policy.hold_for.unwrap().short(), "10m");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertPolicy {
    /// The name, unique among alert policies.
    #[serde(default, skip_serializing)]
    pub name: String,
    /// Whose numbers are looked at.
    pub on: Subject,
    /// The SQL condition over these numbers that raises the alert.
    pub when: String,
    /// How long the condition must hold before anybody is told; `None` means not at all.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub hold_for: Option<Period>,
    /// How long the condition must have ended before the alert is resolved; `None` means not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_firing_for: Option<Period>,
    /// How much it matters.
    pub severity: AlertSeverity,
    /// Who has to act; `None` means the owner of the rule or of the table. It is stored in a column of its own.
    #[serde(default, skip_serializing)]
    pub owner: Option<String>,
    /// What the message says, with `{name}` for each number or group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub say: Option<String>,
    /// Where it is written down what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// How often people are reminded while nobody has acknowledged; `None` means never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat_every: Option<Period>,
}

/// Whose numbers an alert policy looks at. It is written as `rules` or as the name of a summary.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The counters of every rule of every table: see [`AlertPolicy::RULE_VARIABLES`].
    Rules,
    /// The groups and measures of the summary with this name.
    Summary(String),
}

/// How much an alert matters. It is written as `inherit` or as a severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AlertSeverity {
    /// As much as the rule that fails.
    Inherit,
    /// So much.
    Fixed(Severity),
}

impl AlertPolicy {
    /// The variables that `when` and `say` may use for a policy on rules.
    pub const RULE_VARIABLES: [&'static str; 9] = [
        "failing",
        "rows",
        "failing_ratio",
        "errors",
        "table",
        "rule",
        "kind",
        "action",
        "why",
    ];

    /// What the database stores as the definition of the policy.
    pub fn definition(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }
}

impl AlertSeverity {
    /// The severity of an alert about something of this severity.
    pub fn resolve(self, inherited: Severity) -> Severity {
        match self {
            AlertSeverity::Inherit => inherited,
            AlertSeverity::Fixed(severity) => severity,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Rules => formatter.write_str("rules"),
            Subject::Summary(name) => formatter.write_str(name),
        }
    }
}

impl fmt::Display for AlertSeverity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AlertSeverity::Inherit => formatter.write_str("inherit"),
            AlertSeverity::Fixed(severity) => severity.fmt(formatter),
        }
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(if text == "rules" {
            Subject::Rules
        } else {
            Subject::Summary(text)
        })
    }
}

impl Serialize for AlertSeverity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AlertSeverity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "inherit" {
            return Ok(AlertSeverity::Inherit);
        }
        text.parse()
            .map(AlertSeverity::Fixed)
            .map_err(serde::de::Error::custom)
    }
}
