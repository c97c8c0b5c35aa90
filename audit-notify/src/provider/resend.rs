//! E-mail through Resend: `POST /emails`, with the delivery as idempotency key.

use audit_core::{Mail, SecretValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Http;
use super::address::{Mailbox, quoted};
use super::http::smaller;
use crate::channel::{Channel, Envelope, Receipt, SendError};
use crate::message::PICTURE_ID;

pub(super) const BASE_URL: &str = "https://api.resend.com";

/// E-mail through Resend.
#[derive(Debug)]
pub struct Resend {
    http: Http,
    mail: Mail,
    api_key: SecretValue,
}

impl Resend {
    /// Prepares to send.
    #[must_use]
    pub fn new(http: Http, mail: Mail, api_key: SecretValue) -> Self {
        Resend {
            http: http.hiding(&api_key),
            mail,
            api_key,
        }
    }

    fn body(&self, envelope: &Envelope<'_>, picture: Option<&[u8]>) -> Value {
        let message = envelope.message;
        let mail = self.mail.without(envelope.dead);
        let mut body = json!({
            "from": Mailbox::read(&mail.from).quoted(),
            "to": quoted(&mail.to),
            "subject": message.subject,
            "text": message.text,
            "html": message.html(picture.is_some()),
            "headers": message.headers(envelope.delivery_id),
            "tags": [{ "name": "kind", "value": message.kind.name() }],
        });
        if !mail.cc.is_empty() {
            body["cc"] = json!(quoted(&mail.cc));
        }
        if !mail.bcc.is_empty() {
            body["bcc"] = json!(quoted(&mail.bcc));
        }
        if let Some(reply_to) = mail.reply_to {
            body["reply_to"] = json!([Mailbox::read(&reply_to).quoted()]);
        }
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
}

impl Channel for Resend {
    fn recipients(&self) -> Vec<String> {
        self.mail.recipients().cloned().collect()
    }

    fn takes_picture(&self) -> bool {
        true
    }

    fn send(&self, envelope: &Envelope<'_>) -> Result<Receipt, SendError> {
        let answer = smaller(envelope, |picture| {
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
        })?;
        let said = answer.json();
        let text = |name: &str| said.get(name).and_then(Value::as_str);
        if answer.is_success() {
            return Ok(Receipt::of(answer.status, text("id")));
        }

        let name = text("name").unwrap_or_default();
        let words = match (name, text("message").unwrap_or(&answer.body)) {
            ("", words) => words.to_owned(),
            (name, words) => format!("{name}: {words}"),
        };
        match (answer.status, name) {
            // The key was used before with another body: that message was taken, and this one is the same notice.
            (409, "invalid_idempotent_request") => Ok(Receipt::of(409, None)),
            // The same delivery is being taken at this moment, by an attempt that we lost sight of.
            (409, _) => Err(answer.later(&words, envelope.now, TimeDelta::zero())),
            // A quota comes back with the day or the month, not with the next second.
            (429, "daily_quota_exceeded" | "monthly_quota_exceeded") => {
                Err(answer.later(&words, envelope.now, TimeDelta::hours(1)))
            }
            _ => Err(answer.failure(&words, envelope.now)),
        }
    }
}
