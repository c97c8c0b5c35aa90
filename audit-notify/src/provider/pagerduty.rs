//! PagerDuty: `POST /v2/enqueue`, one event for each alert, with the alert's fingerprint as the key that ties its events
//! together. See <https://developer.pagerduty.com/docs/send-alert-event>.

use audit_core::{Region, SecretValue, Severity};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Http;
use super::http::{Answer, shorten_to};
use crate::channel::{Channel, Envelope, Receipt, SendError};
use crate::message::Message;

/// A key has at most so many characters.
const KEY: usize = 255;

/// A summary has at most so many characters.
const SUMMARY: usize = 1_024;

pub(super) fn base_url(region: Region) -> &'static str {
    match region {
        Region::Us => "https://events.pagerduty.com",
        Region::Eu => "https://events.eu.pagerduty.com",
    }
}

/// PagerDuty. An event that is sent twice changes nothing: it has the key of an incident that is open already.
#[derive(Debug)]
pub struct PagerDuty {
    http: Http,
    routing_key: SecretValue,
}

impl PagerDuty {
    /// Prepares to send events to the service that a routing key belongs to.
    #[must_use]
    pub fn new(http: Http, routing_key: SecretValue) -> Self {
        PagerDuty {
            http: http.hiding(&routing_key),
            routing_key,
        }
    }

    fn event(&self, alert: &Value, message: &Message) -> Value {
        let text = |name: &str| alert.get(name).and_then(Value::as_str).unwrap_or_default();
        let action = match text("state") {
            "resolved" => "resolve",
            "acknowledged" => "acknowledge",
            _ => "trigger",
        };
        let mut event = json!({
            "routing_key": self.routing_key.reveal(),
            "event_action": action,
            "dedup_key": key(text("fingerprint")),
        });
        if action == "trigger" {
            let severity = text("severity").parse().unwrap_or(Severity::Critical);
            event["payload"] = json!({
                "summary": shorten_to(text("title"), SUMMARY - 1),
                "source": alert.get("table").and_then(Value::as_str).unwrap_or("audit pipeline"),
                "severity": word(severity),
                "timestamp": message.at,
                "class": text("policy"),
                "custom_details": alert,
            });
            for (name, value) in [("component", text("rule")), ("group", text("owner"))] {
                if !value.is_empty() {
                    event["payload"][name] = json!(value);
                }
            }
            event["client"] = json!("audit");
            if text("runbook").starts_with("https://") {
                event["links"] = json!([{ "href": text("runbook"), "text": "Runbook" }]);
            }
        }
        event
    }

    fn post(&self, event: &Value, envelope: &Envelope<'_>) -> Result<Answer, SendError> {
        let answer = self
            .http
            .post("/v2/enqueue", &[], event.to_string().as_bytes())?;
        if answer.is_success() {
            return Ok(answer);
        }
        let said = answer.json();
        let mut words = vec![
            said.get("message")
                .and_then(Value::as_str)
                .unwrap_or(&answer.body),
        ];
        let errors = said.get("errors").and_then(Value::as_array);
        words.extend(errors.into_iter().flatten().filter_map(Value::as_str));
        let words = words.join("; ");
        // A key that is not one is told like a slip in the event.
        if answer.status == 400 && words.to_lowercase().contains("routing") {
            return Err(answer.refused(&words));
        }
        Err(answer.failure(&words, envelope.now))
    }
}

impl Channel for PagerDuty {
    fn recipients(&self) -> Vec<String> {
        Vec::new()
    }

    fn takes_picture(&self) -> bool {
        false
    }

    fn send(&self, envelope: &Envelope<'_>) -> Result<Receipt, SendError> {
        let message = envelope.message;
        let alerts = match message.events.as_slice() {
            [] => std::slice::from_ref(&message.data),
            events => events,
        };
        let mut receipt = Receipt::default();
        for alert in alerts {
            let answer = self.post(&self.event(alert, message), envelope)?;
            let key = answer.json();
            let key = key.get("dedup_key").and_then(Value::as_str);
            receipt = Receipt::of(answer.status, key);
        }
        let count = message.data.get("count").and_then(Value::as_u64);
        if count.is_some_and(|count| count > alerts.len() as u64) {
            let rest = json!({
                "fingerprint": format!("several {}", envelope.delivery_id),
                "policy": "several",
                "severity": message.severity.name(),
                "title": message.subject,
            });
            self.post(&self.event(&rest, message), envelope)?;
        }
        Ok(receipt)
    }
}

/// PagerDuty's word for a severity.
fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Important => "error",
        Severity::Normal => "warning",
        Severity::Low => "info",
    }
}

/// The fingerprint, or its digest where it is too long.
fn key(fingerprint: &str) -> String {
    if fingerprint.chars().count() <= KEY {
        return fingerprint.to_owned();
    }
    let digest = Sha256::digest(fingerprint);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
