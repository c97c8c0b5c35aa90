//! E-mail through Resend: `POST /emails`, with the delivery as idempotency key.

use audit_core::SecretValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Http;
use super::http::Answer;
use crate::channel::{Channel, Envelope, Receipt, SendError};
use crate::message::PICTURE_ID;

pub(super) const BASE_URL: &str = "https://api.resend.com";

/// E-mail through Resend.
#[derive(Debug)]
pub struct Resend {
    http: Http,
    from: String,
    to: Vec<String>,
    api_key: SecretValue,
}

impl Resend {
    /// Prepares to send from an address, `Name <address>` or plain, to others.
    #[must_use]
    pub fn new(http: Http, from: String, to: Vec<String>, api_key: SecretValue) -> Self {
        Resend {
            http,
            from,
            to,
            api_key,
        }
    }

    /// The body of the request.
    fn body(&self, envelope: &Envelope<'_>, picture: Option<&[u8]>) -> Value {
        let message = envelope.message;
        let mut body = json!({
            "from": self.from,
            "to": self.to,
            "subject": message.subject,
            "text": message.text,
            "html": message.html(picture.is_some()),
            "headers": message.headers(envelope.delivery_id),
            "tags": [{ "name": "kind", "value": message.kind.name() }],
        });
        if let Some(picture) = picture {
            body["attachments"] = json!([{
                "content": STANDARD.encode(picture),
                "filename": "dashboard.png",
                "content_type": "image/png",
                "content_id": PICTURE_ID,
            }]);
        }
        body
    }

    fn post(&self, envelope: &Envelope<'_>, picture: Option<&[u8]>) -> Result<Answer, SendError> {
        self.http.post(
            "/emails",
            &[
                (
                    "Authorization",
                    &format!("Bearer {}", self.api_key.reveal()),
                ),
                ("Idempotency-Key", &envelope.delivery_id.to_string()),
            ],
            self.body(envelope, picture).to_string().as_bytes(),
        )
    }
}

impl Channel for Resend {
    fn recipients(&self) -> Vec<String> {
        self.to.clone()
    }

    fn takes_picture(&self) -> bool {
        true
    }

    fn send(&self, envelope: &Envelope<'_>) -> Result<Receipt, SendError> {
        let mut answer = self.post(envelope, envelope.picture)?;
        if answer.status == 413 && envelope.picture.is_some() {
            answer = self.post(envelope, None)?;
        }
        let said = answer.json();
        let text = |name: &str| said.get(name).and_then(Value::as_str);
        if answer.is_success() {
            return Ok(Receipt {
                status: Some(answer.status),
                message_id: text("id").map(str::to_owned),
            });
        }

        let name = text("name").unwrap_or_default();
        let words = match (name, text("message").unwrap_or(&answer.body)) {
            ("", words) => words.to_owned(),
            (name, words) => format!("{name}: {words}"),
        };
        let words = words.replace(self.api_key.reveal(), "(secret)");
        let failure = answer.failure(&words, envelope.now);
        match (answer.status, name) {
            // The key was used before with another body: that message was taken, and this one is the same notice.
            (409, "invalid_idempotent_request") => Ok(Receipt {
                status: Some(409),
                message_id: None,
            }),
            // The same delivery is being taken at this moment, by an attempt that we lost sight of.
            (409, _) => Err(SendError::Later {
                status: Some(409),
                error: failure.to_string(),
                retry_after: answer.retry_after(envelope.now),
            }),
            // A quota comes back with the day or the month, not with the next second.
            (429, "daily_quota_exceeded" | "monthly_quota_exceeded") => Err(SendError::Later {
                status: Some(429),
                error: failure.to_string(),
                retry_after: Some(
                    answer
                        .retry_after(envelope.now)
                        .unwrap_or_default()
                        .max(TimeDelta::hours(1)),
                ),
            }),
            _ => Err(failure),
        }
    }
}
