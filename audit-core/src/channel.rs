//! Channels: where messages go, and through whom.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Secret, Setting};

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// The name by which routes call it.
    pub name: String,
    /// Through whom.
    pub provider: Provider,
    /// How many messages a minute at most; the last of them speaks for all that follow.
    pub per_minute: u32,
}

impl Channel {
    /// How many messages a minute a channel gets, unless it says otherwise.
    pub const PER_MINUTE: u32 = 10;
}

/// Through whom messages go. Serialised, it is what the database stores as the definition of the channel.
///
/// # Examples
///
/// ```
/// use audit_core::{Provider, Secret};
///
/// let provider = Provider::Resend {
///     from: "Audit <audit@example.com>".to_owned(),
///     to: vec!["ops@example.com".to_owned()],
///     api_key: Secret::Env("RESEND_API_KEY".to_owned()),
///     base_url: None,
/// };
/// assert_eq!(
///     serde_json::to_value(&provider).unwrap(),
///     serde_json::json!({ "resend": {
///         "from": "Audit <audit@example.com>",
///         "to": ["ops@example.com"],
///         "api_key": { "env": "RESEND_API_KEY" },
///     }})
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Provider {
    /// E-mail through Resend.
    Resend {
        /// The sender, as `Name <address>` or an address.
        from: String,
        /// The receivers.
        to: Vec<String>,
        /// The key of the account.
        api_key: Secret,
        /// Another place that speaks the same language, such as a test server.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        base_url: Option<Setting>,
    },
    /// E-mail through SendGrid.
    SendGrid {
        /// The sender, as `Name <address>` or an address.
        from: String,
        /// The receivers.
        to: Vec<String>,
        /// The key of the account.
        api_key: Secret,
        /// Another place that speaks the same language, such as a test server.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        base_url: Option<Setting>,
    },
    /// A signed POST to any web address.
    Webhook {
        /// The web address, which may hold a key and then is kept like a secret.
        url: Setting,
        /// What the message is signed with.
        secret: Secret,
    },
    /// One file for each message, for trying things out.
    File {
        /// The directory in which they are written.
        directory: String,
    },
}

impl Provider {
    /// The names of all providers, as the policy file and the database spell them.
    pub const NAMES: [&'static str; 4] = ["resend", "sendgrid", "webhook", "file"];

    /// The name of the provider.
    pub fn name(&self) -> &'static str {
        match self {
            Provider::Resend { .. } => "resend",
            Provider::SendGrid { .. } => "sendgrid",
            Provider::Webhook { .. } => "webhook",
            Provider::File { .. } => "file",
        }
    }

    /// What the database stores as the definition of the channel. It names secrets and never holds them.
    pub fn definition(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }
}
