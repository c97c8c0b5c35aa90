//! E-mail through SendGrid: `POST /v3/mail/send`, with tracking switched off.

use audit_core::{Mail, Region, SecretValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Http;
use super::address::{self, Mailbox};
use super::http::smaller;
use crate::channel::{Channel, Envelope, Receipt, SendError};
use crate::message::PICTURE_ID;

pub(super) fn base_url(region: Region) -> &'static str {
    match region {
        Region::Us => "https://api.sendgrid.com",
        Region::Eu => "https://api.eu.sendgrid.com",
    }
}

/// E-mail through SendGrid. It has no idempotency key: an attempt whose answer got lost may arrive twice, under the same
/// `X-Delivery-Id`.
#[derive(Debug)]
pub struct SendGrid {
    http: Http,
    mail: Mail,
    api_key: SecretValue,
    sandbox: bool,
}

impl SendGrid {
    /// Prepares to send; in the sandbox, messages are checked and not delivered.
    #[must_use]
    pub fn new(http: Http, mail: Mail, api_key: SecretValue, sandbox: bool) -> Self {
        SendGrid {
            http: http.hiding(&api_key),
            mail,
            api_key,
            sandbox,
        }
    }

    fn body(&self, envelope: &Envelope<'_>, picture: Option<&[u8]>) -> Value {
        let message = envelope.message;
        let mail = self.mail.without(envelope.dead);
        let mut to_whom = json!({
            "to": address::list(&mail.to),
            "headers": message.headers(envelope.delivery_id),
            "custom_args": { "alert": message.alert_id, "delivery": envelope.delivery_id },
        });
        if !mail.cc.is_empty() {
            to_whom["cc"] = json!(address::list(&mail.cc));
        }
        if !mail.bcc.is_empty() {
            to_whom["bcc"] = json!(address::list(&mail.bcc));
        }
        let mut body = json!({
            "personalizations": [to_whom],
            "from": Mailbox::read(&mail.from).json(),
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
        if let Some(reply_to) = &mail.reply_to {
            body["reply_to"] = Mailbox::read(reply_to).json();
        }
        if self.sandbox {
            body["mail_settings"] = json!({ "sandbox_mode": { "enable": true } });
        }
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
}

impl Channel for SendGrid {
    fn recipients(&self) -> Vec<String> {
        self.mail.recipients().cloned().collect()
    }

    fn takes_picture(&self) -> bool {
        true
    }

    fn send(&self, envelope: &Envelope<'_>) -> Result<Receipt, SendError> {
        let answer = smaller(envelope, |picture| {
            self.http.post(
                "/v3/mail/send",
                &[(
                    "Authorization",
                    &format!("Bearer {}", self.api_key.reveal()),
                )],
                self.body(envelope, picture).to_string().as_bytes(),
            )
        })?;
        if answer.is_success() {
            return Ok(Receipt::of(answer.status, answer.header("x-message-id")));
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
        Err(answer.failure(&words, envelope.now))
    }
}
