//! A signed POST to any address, after Standard Webhooks: <https://www.standardwebhooks.com>.

use audit_core::SecretValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use super::Http;
use crate::channel::{Channel, Envelope, Receipt, SendError};
use crate::error::ChannelError;

/// A signed POST to any address.
pub struct Webhook {
    http: Http,
    key: Vec<u8>,
}

impl Webhook {
    /// Prepares to post, signed with a secret of the form `whsec_…`.
    ///
    /// # Errors
    /// When the secret is not `whsec_` followed by base64.
    pub fn new(http: Http, secret: &SecretValue) -> Result<Self, ChannelError> {
        let key = decode(secret.reveal()).ok_or(ChannelError::WebhookSecret)?;
        let http = http.hiding(secret);
        Ok(Webhook { http, key })
    }
}

impl Channel for Webhook {
    fn recipients(&self) -> Vec<String> {
        Vec::new()
    }

    fn takes_picture(&self) -> bool {
        false
    }

    fn send(&self, envelope: &Envelope<'_>) -> Result<Receipt, SendError> {
        let id = envelope.delivery_id.to_string();
        let timestamp = envelope.now.timestamp();
        let message = envelope.message;
        let body = json!({
            "type": format!("audit.alert.{}", message.kind.name()),
            "timestamp": message.at,
            "data": message.data,
        })
        .to_string();
        let answer = self.http.post(
            "",
            &[
                ("webhook-id", &id),
                ("webhook-timestamp", &timestamp.to_string()),
                (
                    "webhook-signature",
                    &sign_with(&self.key, &id, timestamp, body.as_bytes()),
                ),
            ],
            body.as_bytes(),
        )?;
        if answer.is_success() {
            return Ok(Receipt::of(answer.status, None));
        }
        // Gone is how a receiver says that it wants no more of this.
        if answer.status == 410 {
            return Err(answer.refused(&answer.body));
        }
        Err(answer.failure(&answer.body, envelope.now))
    }
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Webhook").finish_non_exhaustive()
    }
}

/// The value of the header `webhook-signature`; `None` if the secret is not `whsec_` followed by base64.
///
/// # Examples
///
/// The test vector that the specification publishes:
///
/// ```
/// use audit_notify::provider::sign;
///
/// assert_eq!(
///     sign(
///         "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
///         "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
///         1649367553,
///         br#"{"email":"test@example.com","username":"test_user"}"#,
///     )
///     .as_deref(),
///     Some("v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=")
/// );
/// ```
#[must_use]
pub fn sign(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
    Some(sign_with(&decode(secret)?, id, timestamp, body))
}

fn decode(secret: &str) -> Option<Vec<u8>> {
    STANDARD
        .decode(secret.strip_prefix("whsec_")?)
        .ok()
        .filter(|key| !key.is_empty())
}

fn sign_with(key: &[u8], id: &str, timestamp: i64, body: &[u8]) -> String {
    // HMAC takes keys of any length, so this can not fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return String::new();
    };
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}
