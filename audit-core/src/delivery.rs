//! Deliveries: messages of alerts on their way to channels.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::alert::Message;

/// One message of an alert to one channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Identifies the delivery, a UUID; also sent to providers that can tell a repeated message by it.
    pub delivery_id: String,
    /// The alert that the message is about.
    pub alert_id: String,
    /// The name of the channel.
    pub channel: String,
    /// What the message says about the alert.
    pub message: Message,
    /// How far it has come.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was put into the outbox.
    pub created_at: DateTime<Utc>,
    /// When it is tried next; `None` once it is delivered or dead.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// When the provider took it.
    pub delivered_at: Option<DateTime<Utc>>,
    /// What went wrong at the last attempt.
    pub error: Option<String>,
}

/// How far a [`Delivery`] has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// It waits for its next attempt.
    Ready,
    /// A worker has it.
    Sending,
    /// The provider took it.
    Delivered,
    /// It can not be delivered; a person may try again.
    Dead,
}

impl DeliveryState {
    /// The word, as the database spells it.
    pub fn name(self) -> &'static str {
        match self {
            DeliveryState::Ready => "ready",
            DeliveryState::Sending => "sending",
            DeliveryState::Delivered => "delivered",
            DeliveryState::Dead => "dead",
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}
