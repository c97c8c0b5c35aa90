//! What `audit.observe()` saw of one fingerprint, and how it is put into words.

use audit_core::alert::{self, Cause, Episode, Escalation, Observation, Standing, State, Timing};
use audit_core::{Severity, Subject, say};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{Error, Result};

/// A row of audit.alert.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Stored {
    alert_id: Option<Uuid>,
    pub(super) fingerprint: String,
    policy: String,
    alert_policy_id: Option<i32>,
    rule_id: Option<i32>,
    table_id: Option<i32>,
    group_values: Value,
    severity: Severity,
    title: String,
    owner: String,
    runbook: Option<String>,
    time_zone: Option<String>,
    state: State,
    opened_at: DateTime<Utc>,
    fired_at: Option<DateTime<Utc>>,
    acknowledged_at: Option<DateTime<Utc>>,
    acknowledged_by: Option<String>,
    snoozed_until: Option<DateTime<Utc>>,
    last_held_at: DateTime<Utc>,
    notified_at: Option<DateTime<Utc>>,
    clear_since: Option<DateTime<Utc>>,
    reopened: u32,
    resolved_at: Option<DateTime<Utc>>,
    pub(super) stays_resolved: bool,
    muted: Option<String>,
    unattended_since: Option<DateTime<Utc>>,
    escalated_at: Option<DateTime<Utc>>,
    observed: Value,
}

impl Stored {
    pub(super) fn episode(&self) -> Episode {
        Episode {
            fingerprint: self.fingerprint.clone(),
            state: self.state,
            severity: self.severity,
            opened_at: self.opened_at,
            fired_at: self.fired_at,
            clear_since: self.clear_since,
            notified_at: self.notified_at,
            snoozed_until: self.snoozed_until,
            resolved_at: self.resolved_at,
            reopened: self.reopened,
            unattended_since: self.unattended_since,
            escalated_at: self.escalated_at,
            stays_resolved: self.stays_resolved,
        }
    }
}

/// An object of audit.observe().
#[derive(Debug, Deserialize)]
pub(super) struct Seen {
    pub(super) policy: String,
    pub(super) fingerprint: String,
    /// What the policy looks at: rules, findings, overdue or the name of a summary.
    on: Option<String>,
    within: Option<String>,
    alert_policy_id: Option<i32>,
    rule_id: Option<i32>,
    table_id: Option<i32>,
    table: Option<String>,
    rule: Option<String>,
    #[serde(default)]
    pub(super) inhibited_by: Vec<String>,
    /// The tables that its own refers to, where the policy asks for them.
    #[serde(default)]
    parents: Vec<String>,
    #[serde(default)]
    group: Map<String, Value>,
    severity: Option<Severity>,
    owner: Option<String>,
    runbook: Option<String>,
    time_zone: Option<String>,
    say: Option<String>,
    when: Option<String>,
    pub(super) holds: bool,
    #[serde(default)]
    lingers: bool,
    /// Why the condition can not hold any more.
    gone: Option<String>,
    pub(super) error: Option<String>,
    #[serde(default)]
    timing: Seconds,
    #[serde(default)]
    observed: Map<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
struct Seconds {
    r#for: Option<i64>,
    keep_firing_for: Option<i64>,
    repeat_every: Option<i64>,
    reopen_within: Option<i64>,
    escalate_after: Option<i64>,
    escalate_to: Option<Severity>,
}

impl Seen {
    pub(super) fn timing(&self) -> Timing {
        let delta = |seconds: Option<i64>| seconds.and_then(TimeDelta::try_seconds);
        let timing = &self.timing;
        Timing {
            hold_for: delta(timing.r#for).unwrap_or_default(),
            keep_firing_for: delta(timing.keep_firing_for).unwrap_or_default(),
            repeat_every: delta(timing.repeat_every),
            reopen_within: delta(timing.reopen_within).unwrap_or(Timing::default().reopen_within),
            escalation: delta(timing.escalate_after).map(|after| Escalation {
                after,
                severity: timing.escalate_to,
            }),
        }
    }

    /// What it can explain, and what can explain it.
    pub(super) fn standing(&self) -> Standing<'_> {
        Standing {
            policy: &self.policy,
            table: self.table.as_deref(),
            one_of_many_tables: self
                .on
                .as_deref()
                .is_some_and(|on| Subject::WORDS.contains(&on)),
            group: &self.group,
            inhibited_by: &self.inhibited_by,
            parents: &self.parents,
        }
    }

    pub(super) fn observation(&self, before: Option<&Stored>) -> Observation {
        Observation {
            policy: self.policy.clone(),
            fingerprint: self.fingerprint.clone(),
            holds: self.holds,
            lingers: self.lingers,
            muted: None,
            severity: self
                .severity
                .or(before.map(|stored| stored.severity))
                .unwrap_or(Severity::Important),
            title: self.title(before),
            group: self.group.clone(),
            observed: self.observed.clone(),
            table: self.table.clone(),
            rule: self.rule.clone(),
            owner: self.owner.clone().unwrap_or_default(),
        }
    }

    fn title(&self, before: Option<&Stored>) -> String {
        if self.observed.is_empty() {
            return before
                .map(|stored| stored.title.clone())
                .unwrap_or_default();
        }
        let within = self.within.as_deref().unwrap_or_default();
        let sentence = match (&self.say, self.on.as_deref(), self.rule_id) {
            (Some(sentence), ..) => sentence.clone(),
            (None, Some("findings"), Some(_)) => {
                format!("{{table}}: {{failed}} rows failed the rule {{rule}} within {within}")
            }
            (None, Some("findings"), None) => {
                format!("{{table}}: {{failed}} rows failed {{rules}} rules within {within}")
            }
            (None, Some("overdue"), Some(_)) => {
                "{table}: {overdue} rows that fail the rule {rule} are overdue".to_owned()
            }
            (None, Some("overdue"), None) => {
                "{table}: {overdue} rows that fail {rules} rules are overdue".to_owned()
            }
            (None, _, Some(_)) => {
                "{table}: {failing} of {rows} rows fail the rule {rule}".to_owned()
            }
            (None, ..) => {
                let groups = self
                    .group
                    .keys()
                    .map(|name| format!("{{{name}}}: "))
                    .collect::<String>();
                format!(
                    "{groups}{} ({})",
                    self.policy,
                    self.when.as_deref().unwrap_or_default()
                )
            }
        };
        say::say(&sentence, &self.readable())
    }

    /// The numbers as people write them: thousands apart, ratios in percent. Values of the group are names, and stay.
    fn readable(&self) -> Map<String, Value> {
        let read = |(name, value): (&String, &Value)| {
            let read = match (value.as_i64(), value.as_f64()) {
                _ if self.group.contains_key(name) => value.clone(),
                (_, Some(ratio)) if name.ends_with("_ratio") => {
                    json!(format!("{:.1} %", ratio * 100.0))
                }
                (Some(whole), _) => json!(thousands_apart(whole)),
                _ => value.clone(),
            };
            (name.clone(), read)
        };
        self.observed.iter().map(read).collect()
    }

    /// What audit.record_alerts() is to write: the episode as it is now, and what moved it there.
    pub(super) fn record(
        &self,
        before: Option<&Stored>,
        observation: &Observation,
        episode: &Episode,
        transitions: &[alert::Transition],
        clock: DateTime<Utc>,
    ) -> Result<Value> {
        let observed = Value::Object(self.observed.clone());
        let stored = Stored {
            alert_id: before.and_then(|stored| stored.alert_id),
            fingerprint: self.fingerprint.clone(),
            policy: self.policy.clone(),
            alert_policy_id: self
                .alert_policy_id
                .or(before.and_then(|stored| stored.alert_policy_id)),
            rule_id: self.rule_id,
            table_id: self.table_id,
            group_values: Value::Object(self.group.clone()),
            severity: episode.severity,
            title: match before {
                Some(stored) if !self.holds => stored.title.clone(),
                _ => observation.title.clone(),
            },
            owner: observation.owner.clone(),
            runbook: self.runbook.clone(),
            time_zone: self.time_zone.clone(),
            state: episode.state,
            opened_at: episode.opened_at,
            fired_at: episode.fired_at,
            acknowledged_at: before.and_then(|stored| stored.acknowledged_at),
            acknowledged_by: before.and_then(|stored| stored.acknowledged_by.clone()),
            snoozed_until: episode.snoozed_until,
            last_held_at: if self.holds {
                clock
            } else {
                before.map_or(clock, |stored| stored.last_held_at)
            },
            notified_at: episode.notified_at,
            clear_since: episode.clear_since,
            reopened: episode.reopened,
            resolved_at: episode.resolved_at,
            stays_resolved: episode.stays_resolved,
            muted: observation.muted.clone().filter(|_| episode.is_open()),
            unattended_since: episode.unattended_since,
            escalated_at: episode.escalated_at,
            observed: match before {
                Some(stored) if !self.holds => stored.observed.clone(),
                _ => observed.clone(),
            },
        };
        let mut record = serde_json::to_value(stored).map_err(Error::unreadable)?;
        record["title_now"] = json!(observation.title);
        record["observed_now"] = observed;
        record["transitions"] = transitions
            .iter()
            .map(|transition| {
                json!({
                    "from": transition.from,
                    "to": transition.to,
                    "reason": self.reason(transition, observation.muted.as_deref()),
                    "message": transition.message,
                })
            })
            .collect();
        Ok(record)
    }

    fn reason(&self, transition: &alert::Transition, muted: Option<&str>) -> String {
        let cause = transition.cause;
        let words = match cause {
            Cause::Opened => "the condition began to hold",
            Cause::Reopened => "the condition holds again soon after it was over",
            Cause::Fired => "the condition has held long enough",
            Cause::Repeated => "it still goes on",
            Cause::Escalated => "it matters more than before",
            Cause::Acknowledged => "somebody is on it",
            Cause::Snoozed => "somebody does not want to hear of it for a while",
            Cause::SnoozeEnded => "the snooze has ended, and the condition still holds",
            Cause::Unmuted => "nothing mutes it any more, and the condition still holds",
            Cause::Unattended => "nobody has taken it on in time",
            Cause::Lapsed => "the condition ended before anybody was told",
            Cause::Ended => "the condition does not hold any more",
            Cause::Settled => "somebody has resolved it",
        };
        match (&self.gone, muted, cause) {
            (Some(gone), _, Cause::Lapsed | Cause::Ended) => gone.clone(),
            (_, Some(muted), Cause::Fired) => format!("{words}; {muted}"),
            _ => words.to_owned(),
        }
    }
}

fn thousands_apart(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "−" } else { "" });
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(thousands_apart(7), "7");
        assert_eq!(thousands_apart(-1_234), "−1,234");
        assert_eq!(thousands_apart(51_955_000), "51,955,000");
    }
}
