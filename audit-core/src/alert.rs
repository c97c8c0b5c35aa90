//! Alerts: episodes, from their opening to their resolution, as a state machine without a clock of its own.
//!
//! [`step`] takes what is known of an episode and what was observed now, and says what follows from it.
//! It does nothing itself: the caller stores the episode, the transitions and the messages in one transaction.
//!
//! ```text
//! (none) ─► pending ─► firing ─► acknowledged ─┐
//!              │          │  └──► snoozed ─────┤
//!              ▼          ▼                    ▼
//!           resolved ◄────┴────────────────────┘
//! ```
//!
//! Four things always hold, and property tests hold them: there is no message without a transition; whatever people
//! were told of is resolved once its condition has ended, with a message; a fingerprint has at most one open episode;
//! while an alert is muted, nobody hears that it began or goes on.

mod inhibition;
mod person;
mod silence;
mod step;

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use inhibition::{Standing, inhibitors};
pub use person::{acknowledge, resolve, snooze};
pub use silence::{Matchers, Silence};
pub use step::step;

use crate::{AlertPolicy, Error, Severity};

/// What a look at the numbers found for one fingerprint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The name of the alert policy.
    pub policy: String,
    /// The identity of the alert: policy, table or rule, group; never texts or numbers. See [`fingerprint`].
    pub fingerprint: String,
    /// Whether the condition of the policy holds.
    pub holds: bool,
    /// Whether an alert that has begun goes on all the same: its condition does not hold any more, and the one that ends
    /// it does not hold yet.
    pub lingers: bool,
    /// Why nobody is to hear of it now: it is silenced, or another alert inhibits it.
    pub muted: Option<String>,
    /// How much it matters.
    pub severity: Severity,
    /// What the message says, see [`say`](crate::say::say).
    pub title: String,
    /// The group that was looked at: names and values.
    pub group: Map<String, Value>,
    /// The numbers that were found.
    pub observed: Map<String, Value>,
    /// The table it is about, as `schema.table`.
    pub table: Option<String>,
    /// The rule it is about.
    pub rule: Option<String>,
    /// Who has to fix it.
    pub owner: String,
}

/// Where an alert is between its opening and its resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The condition holds, but not long enough yet for anybody to be told.
    Pending,
    /// People have been told.
    Firing,
    /// A person takes care of it; no reminders.
    Acknowledged,
    /// A person does not want to hear of it until a certain time.
    Snoozed,
    /// It is over.
    Resolved,
}

/// An alert from its opening to its resolution, as far as the state machine needs to know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episode {
    /// The identity of the alert.
    pub fingerprint: String,
    /// Where it is.
    pub state: State,
    /// How much it matters; the worst since it fired.
    pub severity: Severity,
    /// When the condition began to hold; after a reopening, when it began again.
    pub opened_at: DateTime<Utc>,
    /// When people were first told; `None` while nobody was.
    pub fired_at: Option<DateTime<Utc>>,
    /// Since when the condition has ended, while the alert is kept firing.
    pub clear_since: Option<DateTime<Utc>>,
    /// When the last message was written; `None` again after a reopening, until people are told anew.
    pub notified_at: Option<DateTime<Utc>>,
    /// Since when it waits for somebody to take it on: since people were told, or were told again after a snooze.
    pub unattended_since: Option<DateTime<Utc>>,
    /// When more people were told because nobody had taken it on in time.
    pub escalated_at: Option<DateTime<Utc>>,
    /// Until when nobody wants to hear of it.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// When it was over.
    pub resolved_at: Option<DateTime<Utc>>,
    /// How often it came back soon after it was over.
    pub reopened: u32,
    /// A person resolved it: it stays resolved until the condition has ended once.
    pub stays_resolved: bool,
}

/// How patient and how insistent an alert is. All lengths default to zero, and to no reminders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long the condition must hold before anybody is told.
    pub hold_for: TimeDelta,
    /// How long the condition must have ended before the alert is resolved.
    pub keep_firing_for: TimeDelta,
    /// How often people are reminded while the alert is firing; `None` means never.
    pub repeat_every: Option<TimeDelta>,
    /// How soon after its resolution a condition that holds again is the same alert.
    pub reopen_within: TimeDelta,
    /// What follows if nobody takes it on; `None` means nothing.
    pub escalation: Option<Escalation>,
}

/// What follows if nobody takes an alert on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Escalation {
    /// How long people have for it after they were told.
    pub after: TimeDelta,
    /// How much it matters from then on, if that is more than before.
    pub severity: Option<Severity>,
}

/// Why an alert moved from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The condition began to hold.
    Opened,
    /// The condition holds again soon after the alert was resolved.
    Reopened,
    /// The condition has held long enough.
    Fired,
    /// It is still firing, and it was time for a reminder.
    Repeated,
    /// It matters more than before.
    Escalated,
    /// A person takes care of it.
    Acknowledged,
    /// A person does not want to hear of it for a while.
    Snoozed,
    /// That while is over, and the condition still holds.
    SnoozeEnded,
    /// It is not muted any more, and people are told what they were not told before.
    Unmuted,
    /// Nobody has taken it on in time.
    Unattended,
    /// The condition ended before anybody was told.
    Lapsed,
    /// The condition has ended.
    Ended,
    /// A person has resolved it.
    Settled,
}

/// What a message says about an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Message {
    /// It began, it came back, or it got worse.
    Firing,
    /// It is still going on.
    Repeat,
    /// It is over.
    Resolved,
}

/// One move of an alert from one state to another, which the history of the alert keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// The state before; `None` if a new episode begins.
    pub from: Option<State>,
    /// The state after. A reminder leaves the state as it is.
    pub to: State,
    /// Why it moved.
    pub cause: Cause,
    /// When it moved.
    pub at: DateTime<Utc>,
    /// The person who moved it; `None` if it moved by itself.
    pub actor: Option<String>,
    /// What people are told about it, if anything.
    pub message: Option<Message>,
}

/// What follows from an observation or from what a person did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The episode to store; `None` if there is none. It may differ from the one before without any transition.
    /// If the first transition has no state before, it is a new episode and the resolved one stays as it is.
    pub episode: Option<Episode>,
    /// What happened, in its order.
    pub transitions: Vec<Transition>,
}

/// The identity of an alert: the policy, and the names and values of its group in their order.
///
/// # Examples
///
/// ```
/// use audit_core::alert::fingerprint;
///
/// let group = serde_json::json!({ "origin": "EWR" });
/// assert_eq!(fingerprint("cancellations", group.as_object().unwrap()), r#"cancellations origin="EWR""#);
/// ```
pub fn fingerprint(policy: &str, group: &Map<String, Value>) -> String {
    group.iter().fold(policy.to_owned(), |text, (name, value)| {
        format!("{text} {name}={value}")
    })
}

impl Step {
    /// What people are told, in its order.
    pub fn messages(&self) -> impl Iterator<Item = Message> + '_ {
        self.transitions
            .iter()
            .filter_map(|transition| transition.message)
    }

    /// Whether a new episode begins.
    pub fn begins(&self) -> bool {
        self.transitions
            .first()
            .is_some_and(|first| first.from.is_none())
    }
}

impl Episode {
    /// Whether the episode is not over yet.
    pub fn is_open(&self) -> bool {
        self.state.is_open()
    }

    /// Whether it fires as far as other alerts are concerned: whether or not people were told, and what they did about it.
    pub fn is_firing(&self) -> bool {
        self.is_open() && self.state != State::Pending
    }

    /// Whether people were told of it since it opened, so that they have to be told of its end.
    pub fn is_known(&self) -> bool {
        self.state != State::Pending && self.notified_at.is_some()
    }
}

impl State {
    /// Every state, in the order in which an alert may pass through them.
    pub const ALL: [State; 5] = [
        State::Pending,
        State::Firing,
        State::Acknowledged,
        State::Snoozed,
        State::Resolved,
    ];

    /// Whether an alert in this state is not over yet.
    pub fn is_open(self) -> bool {
        self != State::Resolved
    }

    /// The word, as the database spells it.
    pub fn name(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Firing => "firing",
            State::Acknowledged => "acknowledged",
            State::Snoozed => "snoozed",
            State::Resolved => "resolved",
        }
    }
}

impl Cause {
    /// The word, as the database spells it.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Opened => "opened",
            Cause::Reopened => "reopened",
            Cause::Fired => "fired",
            Cause::Repeated => "repeated",
            Cause::Escalated => "escalated",
            Cause::Acknowledged => "acknowledged",
            Cause::Snoozed => "snoozed",
            Cause::SnoozeEnded => "snooze_ended",
            Cause::Unmuted => "unmuted",
            Cause::Unattended => "unattended",
            Cause::Lapsed => "lapsed",
            Cause::Ended => "ended",
            Cause::Settled => "settled",
        }
    }
}

impl Message {
    /// The word, as the database spells it.
    pub fn name(self) -> &'static str {
        match self {
            Message::Firing => "firing",
            Message::Repeat => "repeat",
            Message::Resolved => "resolved",
        }
    }
}

impl Default for Timing {
    fn default() -> Self {
        Timing {
            hold_for: TimeDelta::zero(),
            keep_firing_for: TimeDelta::zero(),
            repeat_every: None,
            reopen_within: TimeDelta::hours(1),
            escalation: None,
        }
    }
}

impl From<&AlertPolicy> for Timing {
    fn from(policy: &AlertPolicy) -> Self {
        let delta = |period: Option<crate::Period>| period.map(crate::Period::to_delta);
        Timing {
            hold_for: delta(policy.hold_for).unwrap_or_default(),
            keep_firing_for: delta(policy.keep_firing_for).unwrap_or_default(),
            repeat_every: delta(policy.repeat_every),
            reopen_within: delta(policy.reopen_within).unwrap_or(Timing::default().reopen_within),
            escalation: policy.escalate.as_ref().map(|escalate| Escalation {
                after: escalate.after.to_delta(),
                severity: escalate.severity,
            }),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl fmt::Display for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for State {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        State::ALL
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or_else(|| Error::UnknownWord {
                what: "state of an alert",
                text: text.to_owned(),
                expected: "pending, firing, acknowledged, snoozed or resolved",
            })
    }
}

impl FromStr for Message {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Message::Firing, Message::Repeat, Message::Resolved]
            .into_iter()
            .find(|message| message.name() == text)
            .ok_or_else(|| Error::UnknownWord {
                what: "message of an alert",
                text: text.to_owned(),
                expected: "firing, repeat or resolved",
            })
    }
}
