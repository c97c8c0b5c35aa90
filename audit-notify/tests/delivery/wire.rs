//! Requests as the providers document them, whole.

use audit_notify::message::{Kind, Message};
use audit_notify::provider::{Timeouts, open, sign};
use audit_notify::{Channel, Envelope, SendError};
use chrono::{TimeZone, Utc};
use serde_json::json;

use crate::notice::{blizzard, delivery_id, message};
use crate::provider::{Answer, Provider};

const KEY: &str = "re_a_very_secret_key";
const WEBHOOK_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// The smallest PNG.
const PIXEL: &[u8] = b"\x89PNG\r\n\x1a\n";

fn channel(provider: &str, server: &Provider) -> Box<dyn Channel> {
    let definition = match provider {
        "webhook" => {
            json!({ "webhook": { "url": format!("{}/hook", server.url()), "secret": { "env": "SECRET" }, "allow_private": true } })
        }
        mail => json!({ mail: {
            "from": "Audit <audit@example.com>", "to": ["ops@example.com", "Ann <ann@example.com>"],
            "api_key": { "env": "KEY" }, "base_url": server.url(), "allow_private": true,
        }}),
    };
    let environment = |name: &str| match name {
        "KEY" => Some(KEY.to_owned()),
        "SECRET" => Some(WEBHOOK_SECRET.to_owned()),
        _ => None,
    };
    open(provider, &definition, &environment, Timeouts::default()).unwrap()
}

fn envelope(message: &Message) -> Envelope<'_> {
    Envelope {
        delivery_id: delivery_id(),
        message,
        picture: Some(PIXEL),
        dead: &[],
        now: Utc.timestamp_opt(1_649_367_553, 0).unwrap(),
    }
}

fn send(provider: &str, answer: Answer) -> Result<audit_notify::Receipt, SendError> {
    let server = Provider::start([answer]);
    channel(provider, &server).send(&envelope(&message(Kind::Firing, &[blizzard()])))
}

#[test]
fn a_webhook_gets_the_format_of_standard_webhooks() {
    let server = Provider::start([Answer::status(204)]);
    channel("webhook", &server)
        .send(&envelope(&message(Kind::Firing, &[blizzard()])))
        .unwrap();
    let request = server.requests().remove(0);
    insta::assert_snapshot!("webhook", request.golden());
    assert_eq!(
        Some(request.header("webhook-signature").to_owned()),
        sign(
            WEBHOOK_SECRET,
            &delivery_id().to_string(),
            1_649_367_553,
            &request.body
        )
    );
}

#[test]
fn what_the_provider_says_is_told_without_the_secret() {
    let said = Answer::json(
        401,
        json!({ "name": "invalid_api_key", "message": format!("{KEY} is not valid") }),
    );
    assert_eq!(
        send("resend", said).unwrap_err().to_string(),
        "the provider answered 401: invalid_api_key: (secret) is not valid"
    );
    let said = Answer::json(
        400,
        json!({ "errors": [{ "message": "Bad" }, { "message": "worse" }] }),
    );
    assert_eq!(
        send("sendgrid", said).unwrap_err().to_string(),
        "the provider answered 400: Bad; worse"
    );
}

#[test]
fn an_endless_answer_is_not_read() {
    let endless = Answer::Say(500, Vec::new(), "x".repeat(10_000_000));
    assert_eq!(
        send("webhook", endless).unwrap_err().to_string(),
        "the provider answered 500"
    );
}

#[test]
fn a_file_is_a_whole_message() {
    let directory = std::env::temp_dir().join(format!("audit-notify-{}", std::process::id()));
    let definition = json!({ "file": { "directory": directory } });
    let channel = open("file", &definition, &|_| None, Timeouts::default()).unwrap();
    let message = message(Kind::Firing, &[blizzard()]);
    let receipt = channel.send(&envelope(&message)).unwrap();
    assert_eq!(channel.send(&envelope(&message)).unwrap(), receipt);
    let name = receipt.message_id.unwrap();
    assert_eq!(
        name,
        "20130208T180000Z-critical-public-flights-cancellations-ewr-8d2f2a60.html"
    );
    let page = std::fs::read_to_string(directory.join(&name)).unwrap();
    assert!(page.contains("data:image/png;base64,iVBORw0KGgo="));
    let mail = std::fs::read_to_string(directory.join(name.replace(".html", ".eml"))).unwrap();
    assert!(
        mail.contains("References: <alert-3c1f7f60-0000-4000-8000-00000000000a@audit.invalid>\r\n")
    );
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 2);
    std::fs::remove_dir_all(directory).unwrap();
}
