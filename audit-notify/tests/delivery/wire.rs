//! Requests as the providers document them, whole.

use audit_notify::message::{Kind, Message};
use audit_notify::provider::{Timeouts, open, sign};
use audit_notify::{Channel, Envelope, SendError};
use chrono::{TimeDelta, TimeZone, Utc};
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
fn resend_gets_its_format() {
    let server = Provider::start([]);
    let receipt = channel("resend", &server)
        .send(&envelope(&message(Kind::Firing, &[blizzard()])))
        .unwrap();
    assert_eq!(
        receipt.message_id.as_deref(),
        Some("49a3999c-0ce1-4ea6-ab68-afcd6dc2e794")
    );
    insta::assert_snapshot!("resend", server.requests()[0].golden());
}

#[test]
fn sendgrid_gets_its_format() {
    let server =
        Provider::start([Answer::status(202).with("x-message-id", "14c5d75ce93.dfd.64b469")]);
    let receipt = channel("sendgrid", &server)
        .send(&envelope(&message(Kind::Firing, &[blizzard()])))
        .unwrap();
    assert_eq!(
        receipt.message_id.as_deref(),
        Some("14c5d75ce93.dfd.64b469")
    );
    insta::assert_snapshot!("sendgrid", server.requests()[0].golden());
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
fn a_hint_of_the_provider_says_when_to_try_again() {
    let wait = |answer: Answer| match send("resend", answer) {
        Err(SendError::Later { retry_after, .. }) => retry_after,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        wait(Answer::status(429).with("retry-after", "17")),
        Some(TimeDelta::seconds(17))
    );
    assert_eq!(
        wait(Answer::status(503).with("retry-after", "Thu, 07 Apr 2022 21:40:00 GMT")),
        Some(TimeDelta::seconds(47))
    );
    assert_eq!(
        wait(Answer::status(429).with("ratelimit-reset", "3")),
        Some(TimeDelta::seconds(3))
    );
    assert_eq!(
        wait(Answer::status(429).with("x-ratelimit-reset", "1649367563")),
        Some(TimeDelta::seconds(10))
    );
    assert_eq!(wait(Answer::status(500)), None);
    assert_eq!(
        wait(Answer::json(
            429,
            json!({ "name": "daily_quota_exceeded", "message": "…" })
        )),
        Some(TimeDelta::hours(1))
    );
}

#[test]
fn a_key_that_was_used_before_means_that_the_message_was_taken() {
    let taken = send(
        "resend",
        Answer::json(
            409,
            json!({ "name": "invalid_idempotent_request", "message": "…" }),
        ),
    );
    assert_eq!(taken.unwrap().status, Some(409));
    let busy = send(
        "resend",
        Answer::json(
            409,
            json!({ "name": "concurrent_idempotent_requests", "message": "…" }),
        ),
    );
    assert!(matches!(
        busy,
        Err(SendError::Later {
            status: Some(409),
            ..
        })
    ));
}

#[test]
fn an_answer_says_whether_trying_again_helps() {
    for (provider, status) in [
        ("resend", 401),
        ("resend", 403),
        ("sendgrid", 401),
        ("webhook", 410),
    ] {
        let refused = send(provider, Answer::status(status));
        assert!(
            matches!(refused, Err(SendError::Refused { .. })),
            "{provider} {status}: {refused:?}"
        );
    }
    for (provider, status) in [("resend", 422), ("sendgrid", 400), ("webhook", 404)] {
        let never = send(provider, Answer::status(status));
        assert!(
            matches!(never, Err(SendError::Never { .. })),
            "{provider} {status}: {never:?}"
        );
    }
    for (provider, status) in [
        ("resend", 500),
        ("sendgrid", 429),
        ("webhook", 504),
        ("webhook", 307),
    ] {
        let later = send(
            provider,
            Answer::status(status).with("location", "http://127.0.0.1:9/"),
        );
        assert!(
            matches!(later, Err(SendError::Later { .. })),
            "{provider} {status}: {later:?}"
        );
    }
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
fn a_message_that_is_too_large_goes_without_its_picture() {
    let server = Provider::start([Answer::status(413)]);
    channel("resend", &server)
        .send(&envelope(&message(Kind::Firing, &[blizzard()])))
        .unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests[1].json().get("attachments").is_none());
    assert!(
        !requests[1].json()["html"]
            .as_str()
            .unwrap()
            .contains("cid:")
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
fn a_channel_does_not_show_its_secrets() {
    let server = Provider::start([]);
    for provider in ["resend", "sendgrid", "webhook"] {
        let shown = format!("{:?}", channel(provider, &server));
        assert!(
            !shown.contains(KEY) && !shown.contains("C2FVsBQ"),
            "{shown}"
        );
    }
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
