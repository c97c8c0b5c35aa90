//! Silences: what nobody has to hear of for a while, because somebody knows.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Observation;
use crate::Severity;

/// Says that nobody has to hear of certain alerts for a while. They are recorded all the same.
///
/// # Examples
///
/// ```
/// use audit_core::alert::{Matchers, Silence};
///
/// let silence = Silence {
///     matchers: Matchers { table: vec!["public.flights".to_owned()], ..Matchers::default() },
///     until: "2013-02-09T06:00:00Z".parse().unwrap(),
///     reason: "the feed is being moved".to_owned(),
///     author: "ana@example.com".to_owned(),
/// };
/// assert_eq!(
///     silence.to_string(),
///     "silenced until 2013-02-09 06:00 UTC by ana@example.com: the feed is being moved"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Silence {
    /// Which alerts.
    pub matchers: Matchers,
    /// When it ends by itself.
    pub until: DateTime<Utc>,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub author: String,
}

/// Which alerts are meant: those of which everything that is said here is true.
///
/// # Examples
///
/// ```
/// use audit_core::alert::Matchers;
///
/// let matchers: Matchers =
///     serde_json::from_str(r#"{"policy": ["cancellations"], "group": {"origin": "EWR"}}"#).unwrap();
/// assert_eq!(matchers.to_string(), "policy cancellations, origin EWR");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matchers {
    /// Alerts of one of these policies; empty means of any but the pipeline's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy: Vec<String>,
    /// Alerts about one of these tables, as `schema.table`; empty means about any, or none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub table: Vec<String>,
    /// Alerts about one of these rules; empty means about any, or none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rule: Vec<String>,
    /// Alerts of one of these severities; empty means of any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub severity: Vec<Severity>,
    /// Alerts that one of these owners has to see to; empty means anybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owner: Vec<String>,
    /// Alerts about a group with these values.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub group: Map<String, Value>,
}

impl Matchers {
    /// Whether it says nothing, and so would mean every alert.
    pub fn is_empty(&self) -> bool {
        *self == Matchers::default()
    }

    /// Whether an alert is meant. What the pipeline says about itself is only meant by the name of its policy: nobody
    /// turns off by mistake the news that news can not be delivered.
    pub fn matches(&self, observation: &Observation) -> bool {
        let among = |wanted: &[String], found: Option<&str>| {
            wanted.is_empty() || found.is_some_and(|found| wanted.iter().any(|word| word == found))
        };
        let named = if observation.policy == "pipeline" {
            self.policy.iter().any(|policy| policy == "pipeline")
        } else {
            among(&self.policy, Some(&observation.policy))
        };
        named
            && among(&self.table, observation.table.as_deref())
            && among(&self.rule, observation.rule.as_deref())
            && among(&self.owner, Some(&observation.owner))
            && (self.severity.is_empty() || self.severity.contains(&observation.severity))
            && self.group.iter().all(|(name, wanted)| {
                observation
                    .group
                    .get(name)
                    .is_some_and(|found| text(found) == text(wanted))
            })
    }
}

/// A value as a person writes it: the number of a gate is its digits.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl fmt::Display for Matchers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severities: Vec<String> = self.severity.iter().map(Severity::to_string).collect();
        let mut parts: Vec<String> = [
            ("policy", &self.policy),
            ("table", &self.table),
            ("rule", &self.rule),
            ("severity", &severities),
            ("owner", &self.owner),
        ]
        .into_iter()
        .filter(|(_, words)| !words.is_empty())
        .map(|(name, words)| format!("{name} {}", words.join(" or ")))
        .collect();
        parts.extend(
            self.group
                .iter()
                .map(|(name, value)| format!("{name} {}", text(value))),
        );
        formatter.pad(&parts.join(", "))
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let until = self.until.format("%Y-%m-%d %H:%M UTC");
        let Silence { author, reason, .. } = self;
        write!(formatter, "silenced until {until} by {author}: {reason}")
    }
}
