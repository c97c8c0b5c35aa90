//! Requests of every provider, whole: with an inline picture to several, and plain to one, beyond ASCII.

use audit_notify::message::Message;
use audit_notify::provider::{Timeouts, open};
use audit_notify::{Channel, Envelope};
use chrono::{TimeZone, Utc};
use serde_json::{Value, json};

use crate::notice::delivery_id;
use crate::provider::Provider;

/// The smallest PNG.
pub const PIXEL: &[u8] = b"\x89PNG\r\n\x1a\n";

pub const KEY: &str = "a_very_secret_key";

/// A message that fits on a page.
pub fn short(subject: &str, kind: &str) -> Message {
    serde_json::from_value(json!({
        "kind": kind, "severity": "critical", "subject": subject, "at": "2013-02-08T18:00:00Z",
        "alert_id": "3c1f7f60-0000-4000-8000-00000000000a",
        "text": "412 of 1,305 cancelled – “EWR” & <JFK>\n\n▲ Critical\n  cancelled  412\n\n-- \nSent to you.",
        "html": "<p>412 – é</p><!-- picture begins --><img src=\"cid:dashboard\"><!-- picture ends --><p>▲</p>",
        "data": alert("cancellations {\"origin\": \"EWR\"}", if kind == "resolved" { "resolved" } else { "firing" }),
    }))
    .unwrap()
}

pub fn alert(fingerprint: &str, state: &str) -> Value {
    json!({
        "alert_id": "3c1f7f60-0000-4000-8000-00000000000a", "fingerprint": fingerprint, "policy": "cancellations",
        "severity": "critical", "state": state, "title": "EWR: 412 of 1,305 cancelled", "table": "public.flights",
        "rule": null, "owner": "ops-data@example.com", "runbook": "https://example.com/runbook",
        "observed": { "cancelled": 412 },
    })
}

pub fn environment(name: &str) -> Option<String> {
    Some(match name {
        "SECRET" => "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".to_owned(),
        "ID" => "AKIDEXAMPLE".to_owned(),
        "TOKEN" => "a_very_secret_token".to_owned(),
        _ => KEY.to_owned(),
    })
}

pub fn channel(provider: &str, server: &Provider, options: Value) -> Box<dyn Channel> {
    channel_at(provider, &server.url(), options, Timeouts::default())
}

pub fn channel_at(
    provider: &str,
    url: &str,
    options: Value,
    timeouts: Timeouts,
) -> Box<dyn Channel> {
    let mut definition = json!({
        "from": "Audit <audit@example.com>", "to": ["ops@example.com"], "api_key": { "env": "KEY" },
        "base_url": url, "allow_private": true,
    });
    match provider {
        "mailgun" => definition["domain"] = json!("mg.example.com"),
        "ses" => {
            definition["region"] = json!("eu-west-1");
            definition["access_key_id"] = json!({ "env": "ID" });
            definition["secret_access_key"] = json!({ "env": "KEY" });
        }
        "slack" => definition["url"] = json!({ "env": "URL" }),
        "pagerduty" => definition["routing_key"] = json!({ "env": "KEY" }),
        "webhook" => {
            definition["url"] = json!(url);
            definition["secret"] = json!({ "env": "SECRET" });
        }
        _ => {}
    }
    for (name, value) in options.as_object().into_iter().flatten() {
        definition[name] = value.clone();
    }
    let slack = format!("{url}/services/T0/B0/{KEY}");
    let environment = |name: &str| match name {
        "URL" => Some(slack.clone()),
        name => environment(name),
    };
    let definition = json!({ provider: definition });
    open(provider, &definition, &environment, timeouts).unwrap()
}

pub fn envelope<'a>(message: &'a Message, picture: Option<&'a [u8]>) -> Envelope<'a> {
    Envelope {
        delivery_id: delivery_id(),
        message,
        picture,
        dead: &[],
        now: Utc.timestamp_opt(1_649_367_553, 0).unwrap(),
    }
}

/// What a provider gets when a message with a picture goes to several, then when one without goes to one.
fn requests(provider: &str, options: Value) -> String {
    let server = Provider::start([]);
    let several = json!({
        "to": ["ops@example.com", "Ann <ann@example.com>"], "cc": ["Bob, B. <bob@example.com>"],
        "bcc": ["cyd@example.com"], "reply_to": "Desk <desk@example.com>",
    });
    let first = short("Critical: public.flights, cancellations, EWR", "firing");
    // What the stub answers suits most, and is not at issue here.
    let _ = channel(provider, &server, several).send(&envelope(&first, Some(PIXEL)));
    let second = short(
        "Re: Critical: public.flüge, cancellations, “EWR”",
        "resolved",
    );
    let _ = channel(provider, &server, options).send(&envelope(&second, None));
    let requests: Vec<String> = server
        .requests()
        .iter()
        .map(|request| request.golden())
        .collect();
    assert_eq!(requests.len(), 2);
    requests.join("\n\n=========\n\n")
}

#[test]
fn resend_gets_its_format() {
    insta::assert_snapshot!("resend", requests("resend", json!({})));
}

#[test]
fn sendgrid_gets_its_format() {
    insta::assert_snapshot!("sendgrid", requests("sendgrid", json!({ "sandbox": true })));
}

#[test]
fn postmark_gets_its_format() {
    let options = json!({ "sandbox": true, "stream": "alerts" });
    insta::assert_snapshot!("postmark", requests("postmark", options));
}

#[test]
fn mailgun_gets_its_format() {
    insta::assert_snapshot!("mailgun", requests("mailgun", json!({ "sandbox": true })));
}

#[test]
fn ses_gets_its_format() {
    let options = json!({ "session_token": { "env": "TOKEN" }, "configuration_set": "dq" });
    insta::assert_snapshot!("ses", requests("ses", options));
}

#[test]
fn brevo_gets_its_format() {
    insta::assert_snapshot!("brevo", requests("brevo", json!({ "sandbox": true })));
}

#[test]
fn slack_gets_its_format() {
    insta::assert_snapshot!("slack", requests("slack", json!({})));
}

#[test]
fn pagerduty_gets_its_format() {
    insta::assert_snapshot!("pagerduty", requests("pagerduty", json!({})));
}

#[test]
fn pagerduty_gets_an_event_for_each_of_several_alerts() {
    let server = Provider::start([]);
    let mut message = short("Critical: 25 more alerts", "several");
    let long = format!("cancellations {}", "x".repeat(300));
    message.data = json!({ "count": 25 });
    message.events = vec![
        alert(&long, "resolved"),
        alert("a", "firing"),
        alert("c", "acknowledged"),
    ];
    channel("pagerduty", &server, json!({}))
        .send(&envelope(&message, None))
        .unwrap();
    let events: Vec<String> = server
        .requests()
        .iter()
        .map(|request| {
            let event = request.json();
            format!("{} {}", event["event_action"], event["dedup_key"])
        })
        .collect();
    insta::assert_snapshot!(events.join("\n"), @r#"
    "resolve" "e45bef593cd3df5fd84f53ff090832283431c55b57eaee426b5094d606c30fff"
    "trigger" "a"
    "acknowledge" "c"
    "trigger" "several 8d2f2a60-0000-4000-8000-000000000001"
    "#);
}

#[test]
fn accounts_in_the_european_union_are_served_there() {
    for (provider, options, host) in [
        ("sendgrid", json!({}), "api.eu.sendgrid.com"),
        (
            "mailgun",
            json!({ "domain": "mg.example.com" }),
            "api.eu.mailgun.net",
        ),
        (
            "pagerduty",
            json!({ "routing_key": { "env": "KEY" } }),
            "events.eu.pagerduty.com",
        ),
    ] {
        let mut definition = json!({
            "from": "a@example.com", "to": ["b@example.com"], "api_key": { "env": "KEY" }, "region": "eu",
        });
        definition
            .as_object_mut()
            .unwrap()
            .extend(options.as_object().unwrap().clone());
        // Nobody listens at this proxy, and the error names whom it was to reach.
        let environment = |name: &str| match name {
            "HTTPS_PROXY" => Some("http://127.0.0.1:9".to_owned()),
            name => environment(name),
        };
        let channel = open(
            provider,
            &json!({ provider: definition }),
            &environment,
            Timeouts::default(),
        )
        .unwrap();
        let failed = channel
            .send(&envelope(&short("s", "firing"), None))
            .unwrap_err()
            .to_string();
        assert!(failed.contains(host), "{failed}");
    }
}

#[test]
fn dead_recipients_are_left_out() {
    let server = Provider::start([]);
    let options =
        json!({ "to": ["ops@example.com"], "cc": ["Ann <ann@example.com>", "bob@example.com"] });
    let message = short("s", "firing");
    let dead = ["ops@example.com".to_owned(), "bob@example.com".to_owned()];
    for provider in ["resend", "sendgrid", "ses", "brevo"] {
        let sent = channel(provider, &server, options.clone()).send(&Envelope {
            dead: &dead,
            ..envelope(&message, None)
        });
        assert!(sent.is_ok(), "{sent:?}");
    }
    for request in server.requests() {
        let body = request.golden();
        assert!(body.contains("ann@example.com"), "{body}");
        assert!(
            !body.contains("ops@example.com") && !body.contains("bob@"),
            "{body}"
        );
    }
}

#[test]
fn no_channel_shows_its_secrets() {
    let server = Provider::start([]);
    for provider in [
        "resend",
        "sendgrid",
        "postmark",
        "mailgun",
        "ses",
        "brevo",
        "slack",
        "pagerduty",
        "webhook",
    ] {
        let options = match provider {
            "ses" => json!({ "session_token": { "env": "TOKEN" } }),
            _ => json!({}),
        };
        let shown = format!("{:?}", channel(provider, &server, options));
        assert!(
            !shown.contains("very_secret") && !shown.contains("C2FVsBQ"),
            "{shown}"
        );
    }
}
