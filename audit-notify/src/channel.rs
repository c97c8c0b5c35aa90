//! What every way out has in common.

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use crate::message::Message;

/// A way out. Sending knows nothing of the database: it takes an [`Envelope`] and says what came of it.
///
/// # Examples
///
/// A way out of one's own, for a channel that the policy declares as `pager: { custom: {} }`:
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use audit_notify::{Channel, Envelope, Options, Receipt, SendError};
///
/// #[derive(Debug, Default)]
/// struct Board(Mutex<Vec<String>>);
///
/// impl Channel for Board {
///     fn recipients(&self) -> Vec<String> {
///         vec!["whoever passes by".to_owned()]
///     }
///     fn takes_picture(&self) -> bool {
///         false
///     }
///     fn send(&self, envelope: &Envelope<'_>) -> Result<Receipt, SendError> {
///         let mut board = self.0.lock().map_err(|_| SendError::Unreachable {
///             error: "somebody broke the board".to_owned(),
///         })?;
///         // `delivery_id` is the same when a message is sent again: write it once.
///         board.push(format!("{} {}", envelope.delivery_id, envelope.message.subject));
///         Ok(Receipt::default())
///     }
/// }
///
/// let board = Arc::new(Board::default());
/// let options = Options {
///     channels: [("pager".to_owned(), board as Arc<dyn Channel>)].into(),
///     ..Options::default()
/// };
/// assert!(options.channels.contains_key("pager"));
/// ```
pub trait Channel: Send + Sync + std::fmt::Debug {
    /// Who gets what is sent, for the foot of the message.
    fn recipients(&self) -> Vec<String>;

    /// Whether a picture can go inline.
    fn takes_picture(&self) -> bool;

    /// Sends one message.
    ///
    /// # Errors
    /// [`SendError`] says whether, and when, to try again.
    fn send(&self, envelope: &Envelope<'_>) -> Result<Receipt, SendError>;
}

/// A message on its way.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// Identifies the delivery, the same in every attempt: the idempotency key.
    pub delivery_id: Uuid,
    /// What it says.
    pub message: &'a Message,
    /// The dashboard, as PNG.
    pub picture: Option<&'a [u8]>,
    /// Addresses that the provider called dead, to be left out.
    pub dead: &'a [String],
    /// When this attempt is made.
    pub now: DateTime<Utc>,
}

/// The provider took the message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The HTTP status, if the provider speaks HTTP.
    pub status: Option<u16>,
    /// What the provider calls the message.
    pub message_id: Option<String>,
    /// Addresses among the recipients that do not exist, or take nothing any more. The others got the message.
    pub dead: Vec<String>,
}

impl Receipt {
    /// A receipt over HTTP.
    #[must_use]
    pub fn of(status: u16, message_id: Option<&str>) -> Self {
        Receipt {
            status: Some(status),
            message_id: message_id.map(str::to_owned),
            dead: Vec::new(),
        }
    }
}

/// The provider did not take the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The credentials, or the sender, are refused: nothing can be sent until somebody changes that.
    #[error("{error}")]
    Refused {
        /// The HTTP status.
        status: Option<u16>,
        /// What the provider said.
        error: String,
    },
    /// It may work later.
    #[error("{error}")]
    Later {
        /// The HTTP status.
        status: Option<u16>,
        /// What the provider said.
        error: String,
        /// How long the provider asks to wait.
        retry_after: Option<Duration>,
    },
    /// It will not work later either.
    #[error("{error}")]
    Never {
        /// The HTTP status.
        status: Option<u16>,
        /// What the provider said.
        error: String,
    },
    /// It did not go out because of recipients that do not exist, or take nothing any more.
    #[error("{error}")]
    DeadRecipients {
        /// The HTTP status.
        status: Option<u16>,
        /// What the provider said.
        error: String,
        /// Their addresses.
        dead: Vec<String>,
    },
    /// The provider could not be reached, or did not answer in time. Nobody knows whether it took the message.
    #[error("{error}")]
    Unreachable {
        /// What went wrong on the way.
        error: String,
    },
}
