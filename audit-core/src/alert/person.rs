//! What a person does about an alert.

use chrono::{DateTime, Utc};

use super::{Cause, Episode, Message, State, Step, Transition};
use crate::Error;

/// A person takes care of an alert: it is no longer repeated, and its resolution is still told.
///
/// # Errors
///
/// When the episode is resolved already.
pub fn acknowledge(episode: &Episode, actor: &str, now: DateTime<Utc>) -> Result<Step, Error> {
    let after = Episode {
        state: State::Acknowledged,
        snoozed_until: None,
        ..episode.clone()
    };
    moved(episode, after, Cause::Acknowledged, None, actor, now)
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
    let after = Episode {
        state: State::Snoozed,
        snoozed_until: Some(until),
        ..episode.clone()
    };
    moved(episode, after, Cause::Snoozed, None, actor, now)
}

/// A person says that an alert is over, and whoever was told of it hears so. It stays resolved, whether or not its
/// condition holds, until the condition has ended once.
///
/// # Errors
///
/// When the episode is resolved already.
pub fn resolve(episode: &Episode, actor: &str, now: DateTime<Utc>) -> Result<Step, Error> {
    let message = episode.is_known().then_some(Message::Resolved);
    let after = Episode {
        state: State::Resolved,
        resolved_at: Some(now),
        notified_at: if message.is_some() {
            Some(now)
        } else {
            episode.notified_at
        },
        clear_since: None,
        snoozed_until: None,
        stays_resolved: true,
        ..episode.clone()
    };
    moved(episode, after, Cause::Settled, message, actor, now)
}

fn moved(
    before: &Episode,
    after: Episode,
    cause: Cause,
    message: Option<Message>,
    actor: &str,
    now: DateTime<Utc>,
) -> Result<Step, Error> {
    if !before.is_open() {
        return Err(Error::AlertHasEnded {
            state: before.state,
            verb: after.state.name(),
        });
    }
    Ok(Step {
        transitions: vec![Transition {
            from: Some(before.state),
            to: after.state,
            cause,
            at: now,
            actor: Some(actor.to_owned()),
            message,
        }],
        episode: Some(after),
    })
}
