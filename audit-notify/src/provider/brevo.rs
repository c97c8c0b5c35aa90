//! E-mail through Brevo: `POST /v3/smtp/email`, with the delivery as idempotency key.

use audit_core::{Mail, SecretValue};
use serde_json::{Value, json};

use super::Http;
use super::address::{self, Mailbox};
use crate::channel::{Channel, Envelope, Receipt, SendError};

pub(super) const BASE_URL: &str = "https://api.brevo.com";

/// E-mail through Brevo. It has no inline pictures.
#[derive(Debug)]
pub struct Brevo {
    http: Http,
    mail: Mail,
    api_key: SecretValue,
    sandbox: bool,
}

impl Brevo {
    /// Prepares to send; in the sandbox, messages are checked and not delivered.
    #[must_use]
    pub fn new(http: Http, mail: Mail, api_key: SecretValue, sandbox: bool) -> Self {
        Brevo {
            http: http.hiding(&api_key),
            mail,
            api_key,
            sandbox,
        }
    }

    fn body(&self, envelope: &Envelope<'_>) -> Value {
        let message = envelope.message;
        let mail = self.mail.without(envelope.dead);
        let mut headers = json!(message.headers(envelope.delivery_id));
        // Only under this name, and only here: as a header of the request it is ignored.
        headers["idempotencyKey"] = json!(envelope.delivery_id);
        if self.sandbox {
            headers["X-Sib-Sandbox"] = json!("drop");
        }
        let mut body = json!({
            "sender": Mailbox::read(&mail.from).json(),
            "to": address::list(&mail.to),
            "subject": message.subject,
            "textContent": message.text,
            "htmlContent": message.html(false),
            "headers": headers,
            "tags": [message.kind.name()],
        });
        // Empty lists are refused.
        if !mail.cc.is_empty() {
            body["cc"] = json!(address::list(&mail.cc));
        }
        if !mail.bcc.is_empty() {
            body["bcc"] = json!(address::list(&mail.bcc));
        }
        if let Some(reply_to) = &mail.reply_to {
            body["replyTo"] = Mailbox::read(reply_to).json();
        }
        body
    }
}

impl Channel for Brevo {
    fn recipients(&self) -> Vec<String> {
        self.mail.recipients().cloned().collect()
    }

    fn takes_picture(&self) -> bool {
        false
    }

    fn send(&self, envelope: &Envelope<'_>) -> Result<Receipt, SendError> {
        let answer = self.http.post(
            "/v3/smtp/email",
            &[("api-key", self.api_key.reveal())],
            self.body(envelope).to_string().as_bytes(),
        )?;
        let said = answer.json();
        let text = |name: &str| said.get(name).and_then(Value::as_str);
        if answer.is_success() {
            return Ok(Receipt::of(answer.status, text("messageId")));
        }
        let code = text("code").unwrap_or_default();
        let said = text("message").unwrap_or(&answer.body);
        let words = match code {
            "" => said.to_owned(),
            code => format!("{code}: {said}"),
        };
        match (answer.status, code) {
            // An earlier attempt got through without our hearing of it.
            (400, "duplicate_parameter") if said.contains("idempotency key") => {
                Ok(Receipt::of(400, None))
            }
            // There are no credits left, until somebody buys some.
            (402, _) => Err(answer.refused(&words)),
            _ => Err(answer.failure(&words, envelope.now)),
        }
    }
}
