//! E-mail through SendGrid: `POST /v3/mail/send`, with tracking switched off.

use audit_core::SecretValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Http;
use super::http::Answer;
use crate::channel::{Channel, Envelope, Receipt, SendError};
use crate::message::PICTURE_ID;

pub(super) const BASE_URL: &str = "https://api.sendgrid.com";

/// E-mail through SendGrid. It has no idempotency key: an attempt whose answer got lost may arrive twice, under the same
/// `X-Delivery-Id`.
#[derive(Debug)]
pub struct SendGrid {
    http: Http,
    from: String,
    to: Vec<String>,
    api_key: SecretValue,
}

impl SendGrid {
    /// Prepares to send from an address, `Name <address>` or plain, to others.
    #[must_use]
    pub fn new(http: Http, from: String, to: Vec<String>, api_key: SecretValue) -> Self {
        SendGrid {
            http,
            from,
            to,
            api_key,
        }
    }

    fn body(&self, envelope: &Envelope<'_>, picture: Option<&[u8]>) -> Value {
        let message = envelope.message;
        let mut body = json!({
            "personalizations": [{
                "to": self.to.iter().map(|address| mailbox(address)).collect::<Vec<_>>(),
                "headers": message.headers(envelope.delivery_id),
                "custom_args": { "alert": message.alert_id, "delivery": envelope.delivery_id },
            }],
            "from": mailbox(&self.from),
            "subject": message.subject,
            // The plain text must come before the HTML, or the message is refused.
            "content": [
                { "type": "text/plain", "value": message.text },
                { "type": "text/html", "value": message.html(picture.is_some()) },
            ],
            "categories": ["audit"],
            "tracking_settings": {
                "click_tracking": { "enable": false, "enable_text": false },
                "open_tracking": { "enable": false },
            },
        });
        if let Some(picture) = picture {
            body["attachments"] = json!([{
                "content": STANDARD.encode(picture),
                "type": "image/png",
                "filename": "dashboard.png",
                "disposition": "inline",
                "content_id": PICTURE_ID,
            }]);
        }
        body
    }

    fn post(&self, envelope: &Envelope<'_>, picture: Option<&[u8]>) -> Result<Answer, SendError> {
        self.http.post(
            "/v3/mail/send",
            &[(
                "Authorization",
                &format!("Bearer {}", self.api_key.reveal()),
            )],
            self.body(envelope, picture).to_string().as_bytes(),
        )
    }
}

impl Channel for SendGrid {
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
        if answer.is_success() {
            return Ok(Receipt {
                status: Some(answer.status),
                message_id: answer.header("x-message-id").map(str::to_owned),
            });
        }
        let said = answer.json();
        let errors = said
            .get("errors")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let words: Vec<&str> = errors
            .filter_map(|error| error.get("message")?.as_str())
            .collect();
        let words = if words.is_empty() {
            answer.body.clone()
        } else {
            words.join("; ")
        };
        Err(answer.failure(
            &words.replace(self.api_key.reveal(), "(secret)"),
            envelope.now,
        ))
    }
}

/// `Name <address>` as SendGrid wants it. A name must not hold commas or semicolons.
fn mailbox(text: &str) -> Value {
    match text.rsplit_once('<') {
        Some((name, address)) if !name.trim().is_empty() => {
            let name = name.trim().trim_matches('"').replace([',', ';'], " ");
            json!({ "email": address.trim_end_matches('>').trim(), "name": name })
        }
        Some((_, address)) => json!({ "email": address.trim_end_matches('>').trim() }),
        None => json!({ "email": text.trim() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_goes_apart_from_its_address() {
        assert_eq!(
            mailbox("Audit, Ops <audit@example.com>"),
            json!({ "email": "audit@example.com", "name": "Audit  Ops" })
        );
        assert_eq!(
            mailbox("audit@example.com"),
            json!({ "email": "audit@example.com" })
        );
    }
}
