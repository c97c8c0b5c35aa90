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
    /// How far back the findings are counted; only for [`Subject::Findings`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Period>,
    /// Whether there is an alert for each rule or for each table; only for findings and what is overdue.
    #[serde(default, skip_serializing_if = "Per::is_default")]
    pub per: Per,
    /// The SQL condition over these numbers that raises the alert.
    pub when: String,
    /// The SQL condition over these numbers that ends it; `None` means that `when` does not hold any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
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
    /// How soon after its end a condition that holds again is the same alert; `None` means within an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopen_within: Option<Period>,
    /// Whether alerts that move at the same moment share a message.
    #[serde(default, skip_serializing_if = "Messages::is_default")]
    pub messages: Messages,
    /// What explains an alert of this policy, so that nobody is told while it fires: other policies, tables, or `parents`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inhibited_by: Vec<String>,
    /// What follows if nobody takes it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate: Option<Escalate>,
}

/// What follows if nobody takes an alert on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalate {
    /// How long people have for it after they were told.
    pub after: Period,
    /// The channels that are told, besides those that know; from then on they hear all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// How much it matters from then on, if that is more than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
}

/// What there is one alert for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// Each rule.
    #[default]
    Rule,
    /// Each table.
    Table,
}

/// Whether alerts of one policy that move at the same moment share a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Messages {
    /// They do, in each channel.
    #[default]
    Together,
    /// Each has its own.
    Each,
}

impl Per {
    fn is_default(&self) -> bool {
        *self == Per::default()
    }
}

impl Messages {
    fn is_default(&self) -> bool {
        *self == Messages::default()
    }
}

/// Whose numbers an alert policy looks at. It is written as `rules`, `findings`, `overdue` or as the name of a summary.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The counters of every rule of every table.
    Rules,
    /// What was found lately by every rule of every table.
    Findings,
    /// What somebody should have put right by now, of every rule of every table.
    Overdue,
    /// The groups and measures of the summary with this name.
    Summary(String),
}

/// How much an alert matters. It is written as `inherit` or as a severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AlertSeverity {
    /// As much as the rule that fails; what is overdue matters one step more.
    Inherit,
    /// So much.
    Fixed(Severity),
}

impl AlertPolicy {
    /// What the database stores as the definition of the policy.
    pub fn definition(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }
}

impl Subject {
    /// The words that are not names of summaries.
    pub const WORDS: [&'static str; 3] = ["rules", "findings", "overdue"];

    /// The variables that `when`, `until` and `say` may use; `None` for a summary, which has its own.
    pub fn variables(&self, per: Per) -> Option<&'static [&'static str]> {
        match (self, per) {
            (Subject::Summary(_), _) => None,
            (Subject::Rules, _) => Some(&[
                "failing",
                "rows",
                "failing_ratio",
                "errors",
                "table",
                "rule",
                "kind",
                "action",
                "why",
            ]),
            (Subject::Findings, Per::Rule) => Some(&[
                "findings", "failed", "errors", "rejected", "table", "rule", "kind", "action",
                "why",
            ]),
            (Subject::Findings, Per::Table) => {
                Some(&["findings", "failed", "errors", "rejected", "table", "rules"])
            }
            (Subject::Overdue, Per::Rule) => Some(&[
                "overdue", "failing", "held", "table", "rule", "kind", "action", "why",
            ]),
            (Subject::Overdue, Per::Table) => {
                Some(&["overdue", "failing", "held", "table", "rules"])
            }
        }
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
            Subject::Findings => formatter.write_str("findings"),
            Subject::Overdue => formatter.write_str("overdue"),
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
        Ok(match text.as_str() {
            "rules" => Subject::Rules,
            "findings" => Subject::Findings,
            "overdue" => Subject::Overdue,
            _ => Subject::Summary(text),
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
