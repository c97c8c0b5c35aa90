//! What a round did.

use audit_schema::TickReport;

use crate::message::Kind;

/// What a round did.
#[derive(Debug, Clone, Default)]
pub struct RunReport {
    /// Another short-lived notifier is at work, so nothing was done.
    pub busy: bool,
    /// What the tick found.
    pub tick: TickReport,
    /// Messages that were delivered.
    pub delivered: Vec<Delivered>,
    /// Messages that were not, and are tried again.
    pub delayed: Vec<Undelivered>,
    /// Messages that were given up.
    pub dead: Vec<Undelivered>,
    /// Channels that are paused because their credentials were refused, with what the provider answered.
    pub paused: Vec<(String, String)>,
    /// Channels that can not be used as they are declared, for example because a secret is missing.
    pub unusable: Vec<(String, String)>,
    /// Recipients that a provider called dead, with the channel: further messages leave them out.
    pub left_out: Vec<(String, String)>,
    /// Messages whose lease ran out before we were through: another worker answers for them.
    pub lost: usize,
}

/// A message that was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The name of the channel.
    pub channel: String,
    /// What it was about.
    pub subject: String,
    /// What the provider calls it.
    pub message_id: Option<String>,
    /// Whether it is about a beginning or an end.
    pub kind: Kind,
}

/// A message that was not delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    /// The name of the channel.
    pub channel: String,
    /// What it was about.
    pub subject: String,
    /// What went wrong.
    pub error: String,
}

/// What a report comes down to, for an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All that was due is done.
    Done,
    /// Something is to be tried again by itself.
    Delayed,
    /// A person has to act: a message was given up, a channel is paused or can not be used, an alert policy is wrong.
    Trouble,
}

impl RunReport {
    /// What the report comes down to.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let asks_for_a_person = !(self.dead.is_empty()
            && self.paused.is_empty()
            && self.unusable.is_empty()
            && self.tick.errors.is_empty());
        match (asks_for_a_person, self.delayed.is_empty()) {
            (true, _) => Outcome::Trouble,
            (false, false) => Outcome::Delayed,
            (false, true) => Outcome::Done,
        }
    }
}
