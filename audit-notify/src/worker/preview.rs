//! What would go out.

use audit_schema::outbox::{self, Delivery};
use chrono_tz::Tz;
use diesel::{Connection, PgConnection};

use super::Options;
use crate::clock::Clock;
use crate::error::Result;
use crate::message::{self, Kind, Message};

/// A message that would go out now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The name of the channel.
    pub channel: String,
    /// Who would get it.
    pub recipients: Vec<String>,
    /// Which attempt it would be.
    pub attempt: i32,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub text: String,
}

/// The messages that are due, as they would go out, without sending or changing anything. Nothing is ticked either, so what
/// the next tick would find is not among them.
///
/// # Errors
/// When the database can not be reached or refuses.
pub fn preview(conn: &mut PgConnection, options: &Options, clock: &dyn Clock) -> Result<Vec<Due>> {
    let mut due = Vec::new();
    let done = conn.transaction::<(), Undone, _>(|conn| {
        let claim = options.claim();
        for delivery in outbox::claim(conn, &claim, clock.wall()).map_err(Undone::Failed)? {
            let opened = options.open(&delivery);
            let recipients = opened.map_or_else(|_| Vec::new(), |channel| channel.recipients());
            let kept = kept(&delivery).or_else(|| {
                let content = content(&delivery, recipients.clone(), options.time_zone)?;
                Some(message::render(&content, &options.templates))
            });
            due.extend(kept.map(|message| Due {
                channel: delivery.channel_name,
                recipients,
                attempt: delivery.attempt,
                subject: message.subject,
                text: message.text,
            }));
        }
        Err(Undone::Seen)
    });
    match done {
        Ok(()) | Err(Undone::Seen) => Ok(due),
        Err(Undone::Failed(error)) => Err(error.into()),
    }
}

/// Why a transaction is rolled back.
enum Undone {
    Seen,
    Failed(audit_schema::Error),
}

impl From<diesel::result::Error> for Undone {
    fn from(error: diesel::result::Error) -> Self {
        Undone::Failed(error.into())
    }
}

/// The message as an earlier attempt rendered it.
pub(super) fn kept(delivery: &Delivery) -> Option<Message> {
    serde_json::from_value(delivery.message.clone()?).ok()
}

/// What a delivery has to say.
pub(super) fn content(
    delivery: &Delivery,
    recipients: Vec<String>,
    zone: Tz,
) -> Option<message::Content> {
    let kind = Kind::from_name(&delivery.kind)?;
    let told = delivery.told().ok()?;
    message::decide(kind, &told, &delivery.channel_name, recipients, zone)
}
