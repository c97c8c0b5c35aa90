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
//! Three things always hold, and property tests hold them: there is no message without a transition; whatever fired
//! is resolved once its condition has ended, with a message; a fingerprint has at most one open episode.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
    /// Until when nobody wants to hear of it.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// When it was over.
    pub resolved_at: Option<DateTime<Utc>>,
    /// How often it came back soon after it was over.
    pub reopened: u32,
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
    /// The condition ended before anybody was told.
    Lapsed,
    /// The condition has ended.
    Ended,
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

/// Says what follows from an observation. `episode` is the latest one of the fingerprint, open or resolved.
///
/// A fingerprint with an open episode must be observed at every look, also once its group has vanished: then with
/// `holds: false`.
///
/// # Examples
///
/// ```
/// use audit_core::Severity;
/// use audit_core::alert::{Message, Observation, State, Timing, step};
/// use chrono::{DateTime, TimeDelta, Utc};
///
/// let mut observation = Observation {
///     policy: "cancellations".to_owned(),
///     fingerprint: "cancellations origin=EWR".to_owned(),
///     holds: true,
///     severity: Severity::Critical,
///     title: "EWR: 112 of 305 departures cancelled".to_owned(),
///     group: Default::default(),
///     observed: Default::default(),
///     table: None,
///     rule: None,
///     owner: String::new(),
/// };
/// let noon: DateTime<Utc> = "2013-02-08T12:00:00Z".parse().unwrap();
///
/// let fired = step(None, &observation, &Timing::default(), noon);
/// assert_eq!(fired.messages().collect::<Vec<_>>(), [Message::Firing]);
///
/// observation.holds = false;
/// let over = step(fired.episode.as_ref(), &observation, &Timing::default(), noon + TimeDelta::hours(9));
/// assert_eq!(over.messages().collect::<Vec<_>>(), [Message::Resolved]);
/// assert_eq!(over.episode.unwrap().state, State::Resolved);
/// ```
pub fn step(
    episode: Option<&Episode>,
    observation: &Observation,
    timing: &Timing,
    now: DateTime<Utc>,
) -> Step {
    let mut step = Step {
        episode: episode.cloned(),
        transitions: Vec::new(),
    };
    match episode.filter(|episode| episode.is_open()) {
        Some(_) if observation.holds => step.go_on(observation, timing, now),
        Some(_) => step.end(timing, now),
        None if observation.holds => {
            step.open(observation, timing, now);
            step.go_on(observation, timing, now);
        }
        None => {}
    }
    step
}

/// A person takes care of an alert: it is no longer repeated, and its resolution is still told.
///
/// # Errors
///
/// When the episode is resolved already.
pub fn acknowledge(episode: &Episode, actor: &str, now: DateTime<Utc>) -> Result<Step, Error> {
    person(
        episode,
        "acknowledged",
        Cause::Acknowledged,
        None,
        actor,
        now,
    )
}

/// A person does not want to hear of an alert until a certain time; its resolution is still told.
///
/// # Errors
///
/// When the episode is resolved already.
pub fn snooze(
    episode: &Episode,
    until: DateTime<Utc>,
    actor: &str,
    now: DateTime<Utc>,
) -> Result<Step, Error> {
    person(episode, "snoozed", Cause::Snoozed, Some(until), actor, now)
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

    fn open(&mut self, observation: &Observation, timing: &Timing, now: DateTime<Utc>) {
        let reopened = self.episode.take().filter(|episode| {
            episode.fired_at.is_some()
                && episode
                    .resolved_at
                    .is_some_and(|resolved| now - resolved < timing.reopen_within)
        });
        let (from, cause, reopened) = match reopened {
            Some(episode) => (
                Some(State::Resolved),
                Cause::Reopened,
                Some((episode.fired_at, episode.reopened + 1)),
            ),
            None => (None, Cause::Opened, None),
        };
        let (fired_at, reopened) = reopened.unwrap_or_default();
        self.episode = Some(Episode {
            fingerprint: observation.fingerprint.clone(),
            state: State::Pending,
            severity: observation.severity,
            opened_at: now,
            fired_at,
            clear_since: None,
            notified_at: None,
            snoozed_until: None,
            resolved_at: None,
            reopened,
        });
        self.transitions.push(Transition {
            from,
            to: State::Pending,
            cause,
            at: now,
            actor: None,
            message: None,
        });
    }

    fn go_on(&mut self, observation: &Observation, timing: &Timing, now: DateTime<Utc>) {
        let Some(episode) = &mut self.episode else {
            return;
        };
        episode.clear_since = None;
        let worse = observation.severity > episode.severity;
        if worse || episode.state == State::Pending {
            episode.severity = observation.severity;
        }
        let told = episode.notified_at.is_some();
        let held_long_enough = now - episode.opened_at >= timing.hold_for;
        let repeat_is_due = || {
            timing.repeat_every.is_some_and(|every| {
                episode
                    .notified_at
                    .is_none_or(|notified| now - notified >= every)
            })
        };
        match episode.state {
            State::Pending if held_long_enough => {
                self.move_to(State::Firing, Cause::Fired, Some(Message::Firing), now);
            }
            State::Pending | State::Resolved => {}
            _ if worse => {
                self.move_to(State::Firing, Cause::Escalated, Some(Message::Firing), now);
            }
            State::Firing if repeat_is_due() => {
                self.move_to(State::Firing, Cause::Repeated, Some(Message::Repeat), now);
            }
            State::Snoozed
                if episode.snoozed_until.is_none_or(|until| now >= until)
                    && (told || held_long_enough) =>
            {
                // Who snoozed it before anybody was told is told now for the first time.
                let message = if told {
                    Message::Repeat
                } else {
                    Message::Firing
                };
                self.move_to(State::Firing, Cause::SnoozeEnded, Some(message), now);
            }
            State::Firing | State::Acknowledged | State::Snoozed => {}
        }
    }

    fn end(&mut self, timing: &Timing, now: DateTime<Utc>) {
        let Some(episode) = &mut self.episode else {
            return;
        };
        // A person may have acknowledged before anybody was told: then nobody has to hear that it is over.
        let told = episode.state != State::Pending && episode.notified_at.is_some();
        if !told {
            self.move_to(State::Resolved, Cause::Lapsed, None, now);
            return;
        }
        let clear_since = *episode.clear_since.get_or_insert(now);
        if now - clear_since >= timing.keep_firing_for {
            self.move_to(State::Resolved, Cause::Ended, Some(Message::Resolved), now);
        }
    }

    fn move_to(&mut self, to: State, cause: Cause, message: Option<Message>, now: DateTime<Utc>) {
        let Some(episode) = &mut self.episode else {
            return;
        };
        let from = episode.state;
        episode.state = to;
        if message.is_some() {
            episode.notified_at = Some(now);
        }
        if to == State::Firing {
            episode.fired_at.get_or_insert(now);
            episode.snoozed_until = None;
        }
        if to == State::Resolved {
            episode.resolved_at = Some(now);
            episode.clear_since = None;
            episode.snoozed_until = None;
        }
        self.transitions.push(Transition {
            from: Some(from),
            to,
            cause,
            at: now,
            actor: None,
            message,
        });
    }
}

impl Episode {
    /// Whether the episode is not over yet.
    pub fn is_open(&self) -> bool {
        self.state.is_open()
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
            Cause::Lapsed => "lapsed",
            Cause::Ended => "ended",
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
            ..Timing::default()
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

fn person(
    episode: &Episode,
    verb: &'static str,
    cause: Cause,
    until: Option<DateTime<Utc>>,
    actor: &str,
    now: DateTime<Utc>,
) -> Result<Step, Error> {
    if !episode.is_open() {
        return Err(Error::AlertHasEnded {
            state: episode.state,
            verb,
        });
    }
    let to = if until.is_some() {
        State::Snoozed
    } else {
        State::Acknowledged
    };
    Ok(Step {
        episode: Some(Episode {
            state: to,
            snoozed_until: until,
            ..episode.clone()
        }),
        transitions: vec![Transition {
            from: Some(episode.state),
            to,
            cause,
            at: now,
            actor: Some(actor.to_owned()),
            message: None,
        }],
    })
}
