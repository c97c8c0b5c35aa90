//! E-mail through Postmark: `POST /email`, with tracking switched off.

use audit_core::{Mail, SecretValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Http;
use super::address::{Mailbox, quoted};
use super::http::{Answer, smaller};
use crate::channel::{Channel, Envelope, Receipt, SendError};
use crate::message::{Message, PICTURE_ID};

pub(super) const BASE_URL: &str = "https://api.postmarkapp.com";

/// With this token Postmark checks a message and does not deliver it.
const SANDBOX: &str = "POSTMARK_API_TEST";

/// E-mail through Postmark. It has no idempotency key: an attempt whose answer got lost may arrive twice, under the same
/// `Message-ID`.
#[derive(Debug)]
pub struct Postmark {
    http: Http,
    mail: Mail,
    token: SecretValue,
    stream: String,
}

impl Postmark {
    /// Prepares to send through a message stream; in the sandbox, messages are checked and not delivered.
    #[must_use]
    pub fn new(
        http: Http,
        mail: Mail,
        token: SecretValue,
        stream: Option<String>,
        sandbox: bool,
    ) -> Self {
        Postmark {
            http: http.hiding(&token),
            mail,
            token: if sandbox {
                SecretValue::new(SANDBOX)
            } else {
                token
            },
            stream: stream.unwrap_or_else(|| "outbound".to_owned()),
        }
    }

    fn body(&self, envelope: &Envelope<'_>, picture: Option<&[u8]>) -> Value {
        let message = envelope.message;
        let mail = self.mail.without(envelope.dead);
        let mut headers: Vec<Value> = message
            .headers(envelope.delivery_id)
            .into_iter()
            .map(|(name, value)| json!({ "Name": name, "Value": value }))
            .collect();
        // Without the second header Postmark puts an identifier of its own in the place of ours.
        headers.push(
            json!({ "Name": "Message-ID", "Value": Message::message_id(envelope.delivery_id) }),
        );
        headers.push(json!({ "Name": "X-PM-KeepID", "Value": "true" }));
        let mut body = json!({
            "From": Mailbox::read(&mail.from).quoted(),
            "To": quoted(&mail.to).join(", "),
            "Subject": message.subject,
            "TextBody": message.text,
            "HtmlBody": message.html(picture.is_some()),
            "Headers": headers,
            "Metadata": { "alert": message.alert_id, "delivery": envelope.delivery_id },
            "Tag": message.kind.name(),
            "MessageStream": self.stream,
            "TrackOpens": false,
            "TrackLinks": "None",
        });
        if !mail.cc.is_empty() {
            body["Cc"] = json!(quoted(&mail.cc).join(", "));
        }
        if !mail.bcc.is_empty() {
            body["Bcc"] = json!(quoted(&mail.bcc).join(", "));
        }
        if let Some(reply_to) = mail.reply_to {
            body["ReplyTo"] = json!(Mailbox::read(&reply_to).quoted());
        }
        if let Some(picture) = picture {
            body["Attachments"] = json!([{
                "Name": "dashboard.png",
                "Content": STANDARD.encode(picture),
                "ContentType": "image/png",
                "ContentID": format!("cid:{PICTURE_ID}"),
            }]);
        }
        body
    }

    /// What an error of the API means; see <https://postmarkapp.com/developer/api/overview#error-codes>.
    fn failure(
        &self,
        answer: &Answer,
        code: i64,
        said: &str,
        envelope: &Envelope<'_>,
    ) -> SendError {
        let words = format!("{code}: {said}");
        match code {
            // The token, the sender's signature, and what the account may do.
            10 | 400 | 401 | 405 | 412 | 413 => answer.refused(&words),
            100 | 429 => answer.later(&words, envelope.now, TimeDelta::zero()),
            406 => SendError::DeadRecipients {
                status: Some(answer.status),
                error: answer.in_words(&words),
                dead: self.named(said),
            },
            0 => answer.failure(said, envelope.now),
            _ => answer.failure(&words, envelope.now),
        }
    }

    /// The recipients that a sentence names.
    fn named(&self, said: &str) -> Vec<String> {
        let words: Vec<&str> = said
            .split(|character: char| character.is_whitespace() || ",;:<>".contains(character))
            .map(|word| word.trim_matches(['.', '"', '\'', '`']))
            .collect();
        self.mail
            .recipients()
            .filter(|one| {
                let address = Mailbox::read(one).address;
                words.iter().any(|word| word.eq_ignore_ascii_case(address))
            })
            .cloned()
            .collect()
    }
}

impl Channel for Postmark {
    fn recipients(&self) -> Vec<String> {
        self.mail.recipients().cloned().collect()
    }

    fn takes_picture(&self) -> bool {
        true
    }

    fn send(&self, envelope: &Envelope<'_>) -> Result<Receipt, SendError> {
        let answer = smaller(envelope, |picture| {
            self.http.post(
                "/email",
                &[("X-Postmark-Server-Token", self.token.reveal())],
                self.body(envelope, picture).to_string().as_bytes(),
            )
        })?;
        let said = answer.json();
        let code = said.get("ErrorCode").and_then(Value::as_i64);
        let words = said
            .get("Message")
            .and_then(Value::as_str)
            .unwrap_or(&answer.body);
        match code {
            Some(0) if answer.is_success() => {
                let id = said.get("MessageID").and_then(Value::as_str);
                Ok(Receipt {
                    // Some recipients may be inactive: then the message goes to the others, and the answer names them.
                    dead: if words.contains("inactive") {
                        self.named(words)
                    } else {
                        Vec::new()
                    },
                    ..Receipt::of(answer.status, id)
                })
            }
            // Whoever answers 200 with something else is not Postmark.
            None if answer.is_success() => Err(answer.later(
                "this is no answer of Postmark",
                envelope.now,
                TimeDelta::zero(),
            )),
            code => Err(self.failure(&answer, code.unwrap_or(0), words, envelope)),
        }
    }
}
