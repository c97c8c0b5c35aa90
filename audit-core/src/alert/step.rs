//! What follows from a look at the numbers.

use chrono::{DateTime, Utc};

use super::{Cause, Episode, Message, Observation, State, Step, Timing, Transition};

/// Says what follows from an observation. `episode` is the latest one of the fingerprint, open or resolved.
///
/// A fingerprint with an open episode must be observed at every look, also once its group has vanished: then with
/// `holds: false`. The same goes for an episode that stays resolved.
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
///     lingers: false,
///     muted: None,
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
    match &mut step.episode {
        Some(episode) if episode.is_open() => {
            // What only waits to be told must hold by itself: it has not begun for anybody.
            if observation.holds || observation.lingers && episode.state != State::Pending {
                step.go_on(observation, timing, now);
            } else {
                step.end(timing, now);
            }
        }
        Some(episode) if episode.stays_resolved => {
            episode.stays_resolved = observation.holds || observation.lingers;
        }
        _ if observation.holds => {
            step.open(observation, timing, now);
            step.go_on(observation, timing, now);
        }
        _ => {}
    }
    step
}

impl Step {
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
            unattended_since: None,
            escalated_at: None,
            snoozed_until: None,
            resolved_at: None,
            reopened,
            stays_resolved: false,
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
        let muted = observation.muted.is_some();
        let told = episode.notified_at.is_some();
        let held_long_enough = now - episode.opened_at >= timing.hold_for;
        let repeat_is_due = || {
            timing.repeat_every.is_some_and(|every| {
                episode
                    .notified_at
                    .is_none_or(|notified| now - notified >= every)
            })
        };
        let unattended = timing.escalation.filter(|escalation| {
            episode.escalated_at.is_none()
                && episode
                    .unattended_since
                    .is_some_and(|since| now - since >= escalation.after)
        });
        let worse = observation.severity > episode.severity;
        // A muted alert that people know of keeps the severity that they know, so that they are told once it is heard.
        let unknown = episode.state == State::Firing && !told;
        if episode.state == State::Pending || worse && (!muted || unknown) {
            episode.severity = observation.severity;
        }
        match episode.state {
            State::Pending if held_long_enough => {
                let message = (!muted).then_some(Message::Firing);
                self.move_to(State::Firing, Cause::Fired, message, now);
            }
            State::Pending | State::Resolved => {}
            _ if muted => {}
            _ if worse => {
                self.move_to(State::Firing, Cause::Escalated, Some(Message::Firing), now);
            }
            State::Firing if !told => {
                self.move_to(State::Firing, Cause::Unmuted, Some(Message::Firing), now);
            }
            State::Firing if unattended.is_some() => {
                let raised = unattended.and_then(|escalation| escalation.severity);
                episode.severity = episode.severity.max(raised.unwrap_or(episode.severity));
                episode.escalated_at = Some(now);
                self.move_to(State::Firing, Cause::Unattended, Some(Message::Firing), now);
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
        // Nobody has to hear of the end of what nobody heard of. Who did hear of it is told, also while it is muted:
        // else it would never end for them.
        if !episode.is_known() {
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
            if message.is_some() && !matches!(cause, Cause::Repeated | Cause::Unattended) {
                episode.unattended_since = Some(now);
            }
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
