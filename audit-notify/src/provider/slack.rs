//! An incoming webhook of Slack: `POST` to an address that is itself the key.

use audit_core::SecretValue;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Http;
use crate::channel::{Channel, Envelope, Receipt, SendError};
use crate::message::{Kind, Message};

/// A section holds so many characters; some are for the frame.
const SECTION: usize = 2_900;

/// An incoming webhook of Slack. It has no idempotency key: an attempt whose answer got lost may arrive twice, with the
/// same delivery in its foot.
#[derive(Debug)]
pub struct Slack {
    http: Http,
}

impl Slack {
    /// Prepares to post to the address that `http` was made with.
    #[must_use]
    pub fn new(http: Http, url: &SecretValue) -> Self {
        // An answer, or an error on the way, may repeat the address with or without its beginning.
        let path = url
            .reveal()
            .split_once("://")
            .and_then(|(_, rest)| rest.split_once('/'))
            .map_or("", |(_, path)| path);
        let key = path.rsplit('/').next().unwrap_or_default();
        Slack {
            http: http
                .hiding(url)
                .hiding(&SecretValue::new(path))
                .hiding(&SecretValue::new(key)),
        }
    }
}

impl Channel for Slack {
    fn recipients(&self) -> Vec<String> {
        Vec::new()
    }

    fn takes_picture(&self) -> bool {
        false
    }

    fn send(&self, envelope: &Envelope<'_>) -> Result<Receipt, SendError> {
        let answer = self
            .http
            .post("", &[], body(envelope).to_string().as_bytes())?;
        match answer.status {
            200..300 if answer.body.trim() == "ok" => Ok(Receipt::of(answer.status, None)),
            // Somebody else answers in the place of Slack.
            200..300 => Err(answer.later(&answer.body, envelope.now, TimeDelta::zero())),
            // The address, the channel or the app is gone, or may not post any more.
            404 | 410 => Err(answer.refused(&answer.body)),
            _ => Err(answer.failure(&answer.body, envelope.now)),
        }
    }
}

fn body(envelope: &Envelope<'_>) -> Value {
    let message = envelope.message;
    let mark = match message.kind {
        Kind::Resolved => "✓ Resolved".to_owned(),
        _ => format!("{} {}", message.severity.symbol(), message.severity.label()),
    };
    let (headline, rest) = message
        .text
        .split_once("\n\n")
        .unwrap_or((&message.text, ""));
    let section =
        |text: String| json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } });
    let mut blocks = vec![
        section(format!("*{}* {}", mark, escape(headline, SECTION))),
        section(format!("```{}```", escape(before_foot(rest), SECTION))),
    ];
    let runbook = message.data.get("runbook").and_then(Value::as_str);
    let runbook = runbook.filter(|_| message.kind != Kind::Resolved);
    if let Some(runbook) = runbook.filter(|text| text.starts_with("https://")) {
        let address = escape(runbook, SECTION).replace('|', "%7C");
        blocks.push(section(format!("<{address}|Open the runbook>")));
    }
    blocks.push(json!({
        "type": "context",
        "elements": [{
            "type": "plain_text",
            "text": format!("Alert {} · delivery {}", message.alert_id, envelope.delivery_id),
        }],
    }));
    json!({ "text": escape(&fallback(message, &mark, headline), SECTION), "blocks": blocks })
}

/// What a notification on a phone shows.
fn fallback(message: &Message, mark: &str, headline: &str) -> String {
    if message.kind == Kind::Resolved {
        headline.to_owned()
    } else {
        format!("{mark}: {headline}")
    }
}

/// The foot says who gets a mail.
fn before_foot(text: &str) -> &str {
    text.split_once("\n-- \n")
        .map_or(text, |(before, _)| before)
        .trim_end()
}

/// Slack reads these three, and what stands in backticks. What is too long is cut.
fn escape(text: &str, most: usize) -> String {
    let mut escaped = String::new();
    let mut length = 0;
    let mut buffer = [0; 4];
    for character in text.chars() {
        let piece = match character {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '`' => "'",
            other => other.encode_utf8(&mut buffer),
        };
        length += piece.chars().count();
        if length >= most {
            escaped.push('…');
            break;
        }
        escaped.push_str(piece);
    }
    escaped
}
