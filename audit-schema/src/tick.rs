//! What time itself causes: the log is packed and folded, time-driven rules are asked, and alert policies are evaluated.

use audit_core::alert::{self, Cause, Episode, Observation, State, Timing};
use audit_core::{Severity, say};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Timestamptz};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{Error, Result, time_rule};

/// A tick gives way after so many batches, so that alerts are looked at even while writers outrun it.
const MOST_BATCHES: usize = 1_000;

/// What a tick did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TickReport {
    /// How many changes were moved out of the head of the log.
    pub moved: i64,
    /// How many conditions hold.
    pub holding: usize,
    /// What people are told, in the order in which it was found.
    pub notices: Vec<Notice>,
    /// How many of these notices no route sends anywhere.
    pub unrouted: i64,
    /// Alert policies that could not be evaluated.
    pub errors: Vec<PolicyError>,
}

/// Something that people are told.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The alert policy.
    pub policy: String,
    /// How bad it is.
    pub severity: Severity,
    /// Whether it fires, goes on, or is over.
    pub message: alert::Message,
    /// One sentence with the numbers.
    pub title: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// An alert policy that could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    /// The name of the policy.
    pub policy: String,
    /// What the database said.
    pub error: String,
}

/// Does what is due at a time: moves what has settled out of the head of the log, asks time-driven rules, looks at every alert
/// policy, and writes alerts, their history and the deliveries they cause. Running it twice changes nothing, and several may run at once.
///
/// # Examples
///
/// ```no_run
/// let mut conn = audit_schema::connect("postgres://localhost/shop")?;
/// let report = audit_schema::tick(&mut conn, chrono::Utc::now())?;
/// for notice in &report.notices {
///     eprintln!("{} {}", notice.severity.symbol(), notice.title);
/// }
/// # Ok::<(), audit_schema::Error>(())
/// ```
///
/// # Errors
/// When the database can not be reached or refuses. A policy that can not be evaluated is no error: it is reported, and
/// alerted on.
pub fn tick(conn: &mut PgConnection, clock: DateTime<Utc>) -> Result<TickReport> {
    let moved = pack(conn, clock)?;
    time_rule::ask_due(conn, clock)?;
    let report = conn
        .build_transaction()
        .read_committed()
        .run(|conn| evaluate(conn, clock))?;
    Ok(TickReport { moved, ..report })
}

/// Packs what is worth a segment: a short head is left to grow for a minute, since its readers are exact all the same.
fn pack(conn: &mut PgConnection, clock: DateTime<Utc>) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Moved {
        /// Null while another tick is moving them.
        #[diesel(sql_type = Nullable<BigInt>)]
        moved: Option<i64>,
    }

    let mut total = 0;
    for _ in 0..MOST_BATCHES {
        let Moved { moved } =
            diesel::sql_query("select audit.tick(clock => $1, patience => '1 minute') as moved")
                .bind::<Timestamptz, _>(clock)
                .get_result(conn)?;
        match moved {
            None | Some(0) => break,
            Some(moved) => total += moved,
        }
    }
    Ok(total)
}

fn evaluate(conn: &mut PgConnection, clock: DateTime<Utc>) -> Result<TickReport> {
    // The lock comes with the episodes, so it is held before anything is observed.
    let episodes: Vec<Stored> = objects(
        conn,
        "select latest as object from audit.latest_episodes($1) as latest",
        clock,
    )?;
    let observations: Vec<Seen> = objects(
        conn,
        "select seen as object from audit.observe($1) as seen",
        clock,
    )?;

    let mut report = TickReport::default();
    let mut records = Vec::new();
    for seen in observations {
        report.holding += usize::from(seen.holds);
        if let Some(error) = &seen.error {
            report.errors.push(PolicyError {
                policy: seen.policy.clone(),
                error: error.clone(),
            });
        }
        let before = episodes
            .iter()
            .find(|stored| stored.fingerprint == seen.fingerprint);
        let observation = seen.observation(before);
        let step = alert::step(
            before.map(Stored::episode).as_ref(),
            &observation,
            &seen.timing(),
            clock,
        );
        let Some(episode) = &step.episode else {
            continue;
        };
        for transition in &step.transitions {
            if let Some(message) = transition.message {
                report.notices.push(Notice {
                    policy: seen.policy.clone(),
                    severity: episode.severity,
                    message,
                    title: observation.title.clone(),
                    at: clock,
                });
            }
        }
        if episode.is_open() || !step.transitions.is_empty() {
            records.push(seen.record(
                before.filter(|_| !step.begins()),
                &observation,
                episode,
                &step.transitions,
                clock,
            )?);
        }
    }

    if !records.is_empty() {
        #[derive(QueryableByName)]
        struct Unrouted {
            #[diesel(sql_type = BigInt)]
            unrouted: i64,
        }
        let row: Unrouted = diesel::sql_query("select audit.record_alerts($1, $2) as unrouted")
            .bind::<Timestamptz, _>(clock)
            .bind::<Jsonb, _>(Value::Array(records))
            .get_result(conn)?;
        report.unrouted = row.unrouted;
    }
    Ok(report)
}

fn objects<T: for<'de> Deserialize<'de>>(
    conn: &mut PgConnection,
    query: &str,
    clock: DateTime<Utc>,
) -> Result<Vec<T>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Jsonb)]
        object: Value,
    }

    diesel::sql_query(query)
        .bind::<Timestamptz, _>(clock)
        .load::<Row>(conn)?
        .into_iter()
        .map(|row| serde_json::from_value(row.object).map_err(Error::unreadable))
        .collect()
}

/// A row of audit.alert.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stored {
    alert_id: Option<Uuid>,
    fingerprint: String,
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
    observed: Value,
}

impl Stored {
    fn episode(&self) -> Episode {
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
        }
    }
}

/// An object of audit.observe().
#[derive(Debug, Deserialize)]
struct Seen {
    policy: String,
    fingerprint: String,
    alert_policy_id: Option<i32>,
    rule_id: Option<i32>,
    table_id: Option<i32>,
    #[serde(default)]
    group: Map<String, Value>,
    severity: Option<Severity>,
    owner: Option<String>,
    runbook: Option<String>,
    time_zone: Option<String>,
    say: Option<String>,
    when: Option<String>,
    holds: bool,
    /// Why the condition can not hold any more.
    gone: Option<String>,
    error: Option<String>,
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
}

impl Seen {
    fn timing(&self) -> Timing {
        let delta = |seconds: Option<i64>| seconds.and_then(TimeDelta::try_seconds);
        Timing {
            hold_for: delta(self.timing.r#for).unwrap_or_default(),
            keep_firing_for: delta(self.timing.keep_firing_for).unwrap_or_default(),
            repeat_every: delta(self.timing.repeat_every),
            ..Timing::default()
        }
    }

    fn observation(&self, before: Option<&Stored>) -> Observation {
        let text = |name: &str| {
            self.observed
                .get(name)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        Observation {
            policy: self.policy.clone(),
            fingerprint: self.fingerprint.clone(),
            holds: self.holds,
            severity: self
                .severity
                .or(before.map(|stored| stored.severity))
                .unwrap_or(Severity::Important),
            title: self.title(before),
            group: self.group.clone(),
            observed: self.observed.clone(),
            table: text("table"),
            rule: text("rule"),
            owner: self.owner.clone().unwrap_or_default(),
        }
    }

    fn title(&self, before: Option<&Stored>) -> String {
        if self.observed.is_empty() {
            return before
                .map(|stored| stored.title.clone())
                .unwrap_or_default();
        }
        let sentence = match &self.say {
            Some(sentence) => sentence.clone(),
            None if self.rule_id.is_some() => {
                "{table}: {failing} of {rows} rows fail the rule {rule}".to_owned()
            }
            None => {
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
    fn record(
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
                    "reason": self.reason(transition.cause),
                    "message": transition.message,
                })
            })
            .collect();
        Ok(record)
    }

    fn reason(&self, cause: Cause) -> String {
        let words = match cause {
            Cause::Opened => "the condition began to hold",
            Cause::Reopened => "the condition holds again soon after it was over",
            Cause::Fired => "the condition has held long enough",
            Cause::Repeated => "it still goes on",
            Cause::Escalated => "it matters more than before",
            Cause::Acknowledged => "somebody is on it",
            Cause::Snoozed => "somebody does not want to hear of it for a while",
            Cause::SnoozeEnded => "the snooze has ended, and the condition still holds",
            Cause::Lapsed => "the condition ended before anybody was told",
            Cause::Ended => "the condition does not hold any more",
        };
        match (&self.gone, cause) {
            (Some(gone), Cause::Lapsed | Cause::Ended) => gone.clone(),
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
