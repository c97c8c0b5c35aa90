//! E-mail through Mailgun: `POST /v3/{domain}/messages` as a form, with tracking switched off.

use audit_core::{Mail, Region, SecretValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use uuid::Uuid;

use super::Http;
use super::address::{Mailbox, quoted};
use super::http::smaller;
use crate::channel::{Channel, Envelope, Receipt, SendError};
use crate::message::{Message, PICTURE_ID};

pub(super) fn base_url(region: Region) -> &'static str {
    match region {
        Region::Us => "https://api.mailgun.net",
        Region::Eu => "https://api.eu.mailgun.net",
    }
}

/// E-mail through Mailgun. It has no idempotency key: an attempt whose answer got lost may arrive twice, under the same
/// `Message-Id`.
#[derive(Debug)]
pub struct Mailgun {
    http: Http,
    mail: Mail,
    domain: String,
    api_key: SecretValue,
    sandbox: bool,
}

impl Mailgun {
    /// Prepares to send from a domain; in the sandbox, messages are checked and not delivered.
    #[must_use]
    pub fn new(
        http: Http,
        mail: Mail,
        domain: String,
        api_key: SecretValue,
        sandbox: bool,
    ) -> Self {
        Mailgun {
            http: http.hiding(&api_key),
            mail,
            domain,
            api_key,
            sandbox,
        }
    }

    fn form(&self, envelope: &Envelope<'_>, picture: Option<&[u8]>) -> Form {
        let message = envelope.message;
        let mail = self.mail.without(envelope.dead);
        let mut form = Form::new(envelope.delivery_id);
        form.field("from", &Mailbox::read(&mail.from).quoted());
        for (name, addresses) in [("to", &mail.to), ("cc", &mail.cc), ("bcc", &mail.bcc)] {
            for address in quoted(addresses) {
                form.field(name, &address);
            }
        }
        form.field("subject", &message.subject);
        form.field("text", &message.text);
        form.field("html", &message.html(picture.is_some()));
        if let Some(reply_to) = &mail.reply_to {
            form.field("h:Reply-To", &Mailbox::read(reply_to).quoted());
        }
        form.field("h:Message-Id", &Message::message_id(envelope.delivery_id));
        for (name, value) in message.headers(envelope.delivery_id) {
            form.field(&format!("h:{name}"), &value);
        }
        form.field("v:alert", &message.alert_id.to_string());
        form.field("o:tag", message.kind.name());
        form.field("o:tracking", "no");
        if self.sandbox {
            form.field("o:testmode", "yes");
        }
        // The name of the file is the name by which the HTML speaks of it.
        if let Some(picture) = picture {
            form.file("inline", PICTURE_ID, "image/png", picture);
        }
        form
    }
}

impl Channel for Mailgun {
    fn recipients(&self) -> Vec<String> {
        self.mail.recipients().cloned().collect()
    }

    fn takes_picture(&self) -> bool {
        true
    }

    fn send(&self, envelope: &Envelope<'_>) -> Result<Receipt, SendError> {
        let user = STANDARD.encode(format!("api:{}", self.api_key.reveal()));
        let answer = smaller(envelope, |picture| {
            let form = self.form(envelope, picture);
            self.http.post_as(
                &form.content_type(),
                &format!("/v3/{}/messages", self.domain),
                &[("Authorization", &format!("Basic {user}"))],
                &form.finish(),
            )
        })?;
        let said = answer.json();
        let text = |name: &str| said.get(name).and_then(Value::as_str);
        let words = text("message").unwrap_or(&answer.body);
        match (answer.status, text("id")) {
            (200..300, Some(id)) => Ok(Receipt::of(answer.status, Some(id))),
            // Its front page greets everybody with 200: the address is wrong.
            (200..300, None) => Err(answer.refused(words)),
            // The domain is not known here: it is misspelt, or in the other region.
            (404, _) => Err(answer.refused(words)),
            _ => Err(answer.failure(words, envelope.now)),
        }
    }
}

/// A form with files, after RFC 7578.
struct Form {
    boundary: String,
    body: Vec<u8>,
}

impl Form {
    /// The same delivery gives the same form.
    fn new(delivery_id: Uuid) -> Self {
        Form {
            boundary: format!("audit-{}", delivery_id.simple()),
            body: Vec::new(),
        }
    }

    fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    fn field(&mut self, name: &str, value: &str) {
        self.part(&format!("name=\"{name}\""), None, value.as_bytes());
    }

    fn file(&mut self, name: &str, file: &str, content_type: &str, content: &[u8]) {
        self.part(
            &format!("name=\"{name}\"; filename=\"{file}\""),
            Some(content_type),
            content,
        );
    }

    fn part(&mut self, disposition: &str, content_type: Option<&str>, content: &[u8]) {
        let mut head = format!(
            "--{}\r\nContent-Disposition: form-data; {disposition}\r\n",
            self.boundary
        );
        if let Some(content_type) = content_type {
            head.push_str(&format!("Content-Type: {content_type}\r\n"));
        }
        head.push_str("\r\n");
        self.body.extend_from_slice(head.as_bytes());
        self.body.extend_from_slice(content);
        self.body.extend_from_slice(b"\r\n");
    }

    fn finish(mut self) -> Vec<u8> {
        self.body
            .extend_from_slice(format!("--{}--\r\n", self.boundary).as_bytes());
        self.body
    }
}
