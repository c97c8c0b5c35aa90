//! E-mail through Amazon SES, version 2 of its API: `POST /v2/email/outbound-emails`, signed.

use audit_core::{Mail, SecretValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Http;
use super::http::{Answer, smaller};
use super::mime::mailbox;
use super::sigv4::{Signer, timestamp};
use crate::channel::{Channel, Envelope, Receipt, SendError};
use crate::message::PICTURE_ID;

const PATH: &str = "/v2/email/outbound-emails";

pub(super) fn base_url(region: &str) -> String {
    format!("https://email.{region}.amazonaws.com")
}

/// What requests are signed with.
#[derive(Debug)]
pub struct Credentials {
    /// The name of the key.
    pub access_key_id: SecretValue,
    /// The key.
    pub secret_access_key: SecretValue,
    /// What goes with temporary credentials.
    pub session_token: Option<SecretValue>,
}

/// E-mail through Amazon SES. It has no idempotency key: an attempt whose answer got lost may arrive twice, under the same
/// `X-Delivery-Id`.
#[derive(Debug)]
pub struct Ses {
    http: Http,
    mail: Mail,
    region: String,
    credentials: Credentials,
    configuration_set: Option<String>,
}

impl Ses {
    /// Prepares to send from a region.
    #[must_use]
    pub fn new(
        http: Http,
        mail: Mail,
        region: String,
        credentials: Credentials,
        configuration_set: Option<String>,
    ) -> Self {
        let mut http = http.hiding(&credentials.secret_access_key);
        if let Some(token) = &credentials.session_token {
            http = http.hiding(token);
        }
        Ses {
            http,
            mail,
            region,
            credentials,
            configuration_set,
        }
    }

    fn body(&self, envelope: &Envelope<'_>, picture: Option<&[u8]>) -> Value {
        let message = envelope.message;
        let mail = self.mail.without(envelope.dead);
        let text = |text: &str| json!({ "Data": text, "Charset": "UTF-8" });
        let headers = message.headers(envelope.delivery_id).into_iter();
        let headers: Vec<Value> = headers
            .map(|(name, value)| json!({ "Name": name, "Value": value }))
            .collect();
        let mut simple = json!({
            "Subject": text(&message.subject),
            "Body": { "Text": text(&message.text), "Html": text(&message.html(picture.is_some())) },
            "Headers": headers,
        });
        if let Some(picture) = picture {
            simple["Attachments"] = json!([{
                "RawContent": STANDARD.encode(picture),
                "FileName": "dashboard.png",
                "ContentType": "image/png",
                "ContentDisposition": "INLINE",
                "ContentId": PICTURE_ID,
                "ContentTransferEncoding": "BASE64",
            }]);
        }
        let mut body = json!({
            "FromEmailAddress": mailbox(&mail.from),
            "Destination": {
                "ToAddresses": mailboxes(&mail.to),
                "CcAddresses": mailboxes(&mail.cc),
                "BccAddresses": mailboxes(&mail.bcc),
            },
            "Content": { "Simple": simple },
            "EmailTags": [{ "Name": "kind", "Value": message.kind.name() }],
        });
        if let Some(reply_to) = mail.reply_to {
            body["ReplyToAddresses"] = json!([mailbox(&reply_to)]);
        }
        if let Some(configuration_set) = &self.configuration_set {
            body["ConfigurationSetName"] = json!(configuration_set);
        }
        body
    }

    fn post(&self, envelope: &Envelope<'_>, picture: Option<&[u8]>) -> Result<Answer, SendError> {
        let body = self.body(envelope, picture).to_string();
        let date = timestamp(envelope.now);
        let mut headers = vec![("x-amz-date", date.as_str())];
        if let Some(token) = &self.credentials.session_token {
            headers.push(("x-amz-security-token", token.reveal()));
        }
        let mut signed = headers.clone();
        signed.push(("content-type", "application/json"));
        signed.push(("host", self.http.authority()));
        let signer = Signer {
            access_key_id: self.credentials.access_key_id.reveal(),
            secret_access_key: &self.credentials.secret_access_key,
            region: &self.region,
            service: "ses",
        };
        let authorization = signer.authorization(PATH, &signed, body.as_bytes(), envelope.now);
        headers.push(("authorization", &authorization));
        self.http.post(PATH, &headers, body.as_bytes())
    }
}

impl Channel for Ses {
    fn recipients(&self) -> Vec<String> {
        self.mail.recipients().cloned().collect()
    }

    fn takes_picture(&self) -> bool {
        true
    }

    fn send(&self, envelope: &Envelope<'_>) -> Result<Receipt, SendError> {
        let answer = smaller(envelope, |picture| self.post(envelope, picture))?;
        let said = answer.json();
        let text = |name: &str| said.get(name).and_then(Value::as_str);
        if answer.is_success() {
            return Ok(Receipt::of(answer.status, text("MessageId")));
        }
        // `NotFoundException:http://…` or `com.amazonaws.…#NotFoundException`
        let kind = answer
            .header("x-amzn-errortype")
            .or(text("__type"))
            .or(text("code"))
            .unwrap_or_default();
        let kind = kind.split(':').next().unwrap_or_default();
        let kind = kind.rsplit('#').next().unwrap_or_default();
        let said = text("message").or(text("Message")).unwrap_or(&answer.body);
        let words = match kind {
            "" => said.to_owned(),
            kind => format!("{kind}: {said}"),
        };
        Err(match kind {
            // The account, the sender, or a configuration set that is not there.
            "AccountSuspendedException"
            | "SendingPausedException"
            | "MailFromDomainNotVerifiedException"
            | "NotFoundException" => answer.refused(&words),
            "MessageRejected" if said.contains("not verified") => answer.refused(&words),
            // What a day allows is used up.
            "LimitExceededException" => answer.later(&words, envelope.now, TimeDelta::hours(1)),
            "TooManyRequestsException" if said.contains("aily") => {
                answer.later(&words, envelope.now, TimeDelta::hours(1))
            }
            "TooManyRequestsException" => answer.later(&words, envelope.now, TimeDelta::zero()),
            _ => answer.failure(&words, envelope.now),
        })
    }
}

/// Names are in ASCII here, or the message is refused.
fn mailboxes(addresses: &[String]) -> Vec<String> {
    addresses.iter().map(|address| mailbox(address)).collect()
}
