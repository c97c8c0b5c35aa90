//! What people are told: first decided as plain data ([`Content`]), then rendered as text and HTML ([`Message`]).
//! Both are pure functions, so that what a message says is tested without a network.

mod content;
mod digest;
mod evidence;
mod format;
mod render;
mod template;

use std::collections::BTreeMap;

use audit_core::Severity;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

pub use content::{Audience, Content, Fact, Item, Step, decide};
pub use evidence::{Chart, Evidence};
pub use render::render;
pub use template::{TemplateError, Templates};

/// The name by which the HTML speaks of the inline picture.
pub const PICTURE_ID: &str = "dashboard";

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It began, it came back, or it got worse.
    Firing,
    /// It still goes on.
    Repeat,
    /// Somebody took it on: only for those who keep incidents of their own.
    Acknowledged,
    /// It is over.
    Resolved,
    /// One message in the place of many.
    Several,
    /// What was collected for a while, and what is still open.
    Digest,
}

/// A rendered message, as every attempt sends it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// What it is about.
    pub kind: Kind,
    /// How bad it is; of several, the worst.
    pub severity: Severity,
    /// Under 78 characters, the same for all messages of an episode.
    pub subject: String,
    /// For readers without HTML.
    pub text: String,
    /// With the block of the picture, which [`html`](Message::html) takes out where there is none.
    html: String,
    /// The episode; the first one of several.
    pub alert_id: Uuid,
    /// The episode in whose thread it is told, if that is another one.
    #[serde(default)]
    pub thread: Option<Uuid>,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The same for programs: what a webhook posts.
    pub data: Value,
    /// Of a message that stands for many, its alerts one by one, for those who keep track of each; what is over comes first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Value>,
}

impl Kind {
    /// The word, as the database spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Firing => "firing",
            Kind::Repeat => "repeat",
            Kind::Acknowledged => "acknowledged",
            Kind::Resolved => "resolved",
            Kind::Several => "several",
            Kind::Digest => "digest",
        }
    }

    /// Reads what the database spells.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Kind::Firing,
            Kind::Repeat,
            Kind::Acknowledged,
            Kind::Resolved,
            Kind::Several,
            Kind::Digest,
        ]
        .into_iter()
        .find(|kind| kind.name() == name)
    }
}

impl Message {
    /// The domain of message identifiers: one that can not exist, so that no reply goes astray.
    pub const DOMAIN: &str = "audit.invalid";

    /// The HTML body, with or without the place for the picture.
    #[must_use]
    pub fn html(&self, with_picture: bool) -> String {
        if with_picture {
            return self.html.clone();
        }
        match (
            self.html.split_once(render::PICTURE_BEGINS),
            self.html.split_once(render::PICTURE_ENDS),
        ) {
            (Some((before, _)), Some((_, after))) => format!("{before}{after}"),
            _ => self.html.clone(),
        }
    }

    /// What identifies the message among mails: the same in every attempt, so that a mail program can drop a duplicate.
    #[must_use]
    pub fn message_id(delivery_id: Uuid) -> String {
        format!("<{delivery_id}@{}>", Self::DOMAIN)
    }

    /// Headers that tie the messages of an episode together, and by which a duplicate is recognised.
    #[must_use]
    pub fn headers(&self, delivery_id: Uuid) -> BTreeMap<&'static str, String> {
        let thread = format!(
            "<alert-{}@{}>",
            self.thread.unwrap_or(self.alert_id),
            Self::DOMAIN
        );
        BTreeMap::from([
            ("X-Alert-Id", self.alert_id.to_string()),
            ("X-Delivery-Id", delivery_id.to_string()),
            ("In-Reply-To", thread.clone()),
            ("References", thread),
        ])
    }
}
