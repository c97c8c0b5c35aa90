//! What the answers of every provider mean.

use std::fmt::Write as _;

use audit_notify::{Receipt, SendError};
use serde_json::{Value, json};

use crate::golden::{KEY, PIXEL, channel, envelope, short};
use crate::provider::{Answer, Provider};

pub const PROVIDERS: [&str; 9] = [
    "resend",
    "sendgrid",
    "postmark",
    "mailgun",
    "ses",
    "brevo",
    "slack",
    "pagerduty",
    "webhook",
];

fn send(provider: &str, answer: Answer) -> Result<Receipt, SendError> {
    let server = Provider::start([answer]);
    channel(
        provider,
        &server,
        json!({ "to": ["ops@example.com", "Ann <ann@example.com>"] }),
    )
    .send(&envelope(&short("s", "firing"), None))
}

fn class(sent: &Result<Receipt, SendError>) -> String {
    match sent {
        Ok(receipt) if receipt.dead.is_empty() => "taken".to_owned(),
        Ok(receipt) => format!("taken, but not by {}", receipt.dead.join(", ")),
        Err(SendError::Refused { .. }) => "refused".to_owned(),
        Err(SendError::Later {
            retry_after: None, ..
        }) => "later".to_owned(),
        Err(SendError::Later {
            retry_after: Some(wait),
            ..
        }) => format!("later, in {} s", wait.num_seconds()),
        Err(SendError::Never { .. }) => "never".to_owned(),
        Err(SendError::DeadRecipients { dead, .. }) => format!("dead: {}", dead.join(", ")),
        Err(SendError::Unreachable { .. }) => "unreachable".to_owned(),
    }
}

#[test]
fn every_status_of_every_provider_has_its_class() {
    let statuses = [
        200, 201, 202, 204, 301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 406, 408, 409,
        410, 413, 415, 422, 423, 425, 426, 429, 431, 451, 500, 501, 502, 503, 504, 505, 507, 508,
        511, 520, 529, 599,
    ];
    let mut table = String::new();
    for provider in PROVIDERS {
        let mut classes: Vec<(String, Vec<String>)> = Vec::new();
        for status in statuses {
            let class = class(&send(provider, Answer::status(status)));
            match classes.iter_mut().find(|(known, _)| *known == class) {
                Some((_, members)) => members.push(status.to_string()),
                None => classes.push((class, vec![status.to_string()])),
            }
        }
        for (class, statuses) in classes {
            let _ = writeln!(table, "{provider:9}  {class:8}  {}", statuses.join(" "));
        }
    }
    insta::assert_snapshot!(table, @r"
    resend     taken     200 201 202 204
    resend     later     301 302 303 307 308 408 409 425 429 500 501 502 503 504 505 507 508 511 520 529 599
    resend     never     400 402 404 405 406 410 413 415 422 423 426 431 451
    resend     refused   401 403
    sendgrid   taken     200 201 202 204
    sendgrid   later     301 302 303 307 308 408 425 429 500 501 502 503 504 505 507 508 511 520 529 599
    sendgrid   never     400 402 404 405 406 409 410 413 415 422 423 426 431 451
    sendgrid   refused   401 403
    postmark   later     200 201 202 204 301 302 303 307 308 408 425 429 500 501 502 503 504 505 507 508 511 520 529 599
    postmark   never     400 402 404 405 406 409 410 413 415 422 423 426 431 451
    postmark   refused   401 403
    mailgun    refused   200 201 202 204 401 403 404
    mailgun    later     301 302 303 307 308 408 425 429 500 501 502 503 504 505 507 508 511 520 529 599
    mailgun    never     400 402 405 406 409 410 413 415 422 423 426 431 451
    ses        taken     200 201 202 204
    ses        later     301 302 303 307 308 408 425 429 500 501 502 503 504 505 507 508 511 520 529 599
    ses        never     400 402 404 405 406 409 410 413 415 422 423 426 431 451
    ses        refused   401 403
    brevo      taken     200 201 202 204
    brevo      later     301 302 303 307 308 408 425 429 500 501 502 503 504 505 507 508 511 520 529 599
    brevo      never     400 404 405 406 409 410 413 415 422 423 426 431 451
    brevo      refused   401 402 403
    slack      later     200 201 202 204 301 302 303 307 308 408 425 429 500 501 502 503 504 505 507 508 511 520 529 599
    slack      never     400 402 405 406 409 413 415 422 423 426 431 451
    slack      refused   401 403 404 410
    pagerduty  taken     200 201 202 204
    pagerduty  later     301 302 303 307 308 408 425 429 500 501 502 503 504 505 507 508 511 520 529 599
    pagerduty  never     400 402 404 405 406 409 410 413 415 422 423 426 431 451
    pagerduty  refused   401 403
    webhook    taken     200 201 202 204
    webhook    later     301 302 303 307 308 408 425 429 500 501 502 503 504 505 507 508 511 520 529 599
    webhook    never     400 402 404 405 406 409 413 415 422 423 426 431 451
    webhook    refused   401 403 410
    ");
}

#[test]
fn what_providers_say_is_understood() {
    let postmark = |code: i64, message: &str| json!({ "ErrorCode": code, "Message": message, "MessageID": "m" });
    let ses = |kind: &str, message: &str| json!({ "__type": kind, "message": message });
    let cases: Vec<(&str, u16, Value)> = vec![
        (
            "resend",
            409,
            json!({ "name": "invalid_idempotent_request", "message": "…" }),
        ),
        (
            "resend",
            409,
            json!({ "name": "concurrent_idempotent_requests", "message": "…" }),
        ),
        (
            "resend",
            429,
            json!({ "name": "daily_quota_exceeded", "message": "…" }),
        ),
        ("postmark", 200, postmark(0, "OK")),
        (
            "postmark",
            200,
            postmark(
                0,
                "OK, but will not deliver to these inactive addresses: ann@example.com",
            ),
        ),
        ("postmark", 422, postmark(10, "Bad or missing API token")),
        ("postmark", 422, postmark(300, "Invalid email request")),
        ("postmark", 422, postmark(400, "Sender signature not found")),
        ("postmark", 422, postmark(405, "Not allowed to send")),
        (
            "postmark",
            422,
            postmark(
                406,
                "You tried to send to recipients that have been marked as inactive. Found inactive addresses: ops@example.com, ann@example.com.",
            ),
        ),
        ("postmark", 503, postmark(100, "Maintenance")),
        ("postmark", 429, postmark(429, "Rate limit exceeded")),
        (
            "mailgun",
            200,
            json!({ "id": "<m@mg.example.com>", "message": "Queued. Thank you." }),
        ),
        ("mailgun", 200, json!("Mailgun Magnificent API")),
        (
            "mailgun",
            404,
            json!({ "message": "Domain not found: mg.example.com" }),
        ),
        (
            "mailgun",
            400,
            json!({ "message": "'to' parameter is not a valid address" }),
        ),
        (
            "ses",
            429,
            ses("TooManyRequestsException", "Maximum sending rate exceeded"),
        ),
        (
            "ses",
            429,
            ses("TooManyRequestsException", "Daily message quota exceeded"),
        ),
        (
            "ses",
            400,
            ses("com.amazonaws.sesv2#LimitExceededException", "…"),
        ),
        ("ses", 400, ses("AccountSuspendedException", "…")),
        ("ses", 400, ses("SendingPausedException", "…")),
        ("ses", 400, ses("MailFromDomainNotVerifiedException", "…")),
        (
            "ses",
            400,
            ses("MessageRejected", "Email address is not verified."),
        ),
        (
            "ses",
            400,
            ses("MessageRejected", "Your message contained a virus"),
        ),
        ("ses", 400, ses("BadRequestException", "…")),
        ("ses", 403, ses("SignatureDoesNotMatch", "…")),
        (
            "ses",
            404,
            ses("NotFoundException", "no such configuration set"),
        ),
        (
            "brevo",
            201,
            json!({ "messageId": "<m@smtp-relay.brevo.com>" }),
        ),
        (
            "brevo",
            400,
            json!({ "code": "duplicate_parameter", "message": "Email for the idempotency key has already been processed" }),
        ),
        (
            "brevo",
            400,
            json!({ "code": "duplicate_parameter", "message": "attachment is given twice" }),
        ),
        (
            "brevo",
            402,
            json!({ "code": "not_enough_credits", "message": "…" }),
        ),
        ("slack", 200, json!("ok")),
        ("slack", 400, json!("invalid_blocks")),
        ("slack", 403, json!("action_prohibited")),
        ("slack", 410, json!("channel_is_archived")),
        ("slack", 500, json!("rollup_error")),
        (
            "pagerduty",
            202,
            json!({ "status": "success", "dedup_key": "k" }),
        ),
        (
            "pagerduty",
            400,
            json!({ "message": "Event object is invalid", "errors": ["'routing_key' is invalid"] }),
        ),
        (
            "pagerduty",
            400,
            json!({ "message": "Event object is invalid", "errors": ["'payload.severity' is invalid"] }),
        ),
    ];
    let mut table = String::new();
    for (provider, status, body) in cases {
        let text = match &body {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let shown: String = text.chars().take(70).collect();
        let sent = send(provider, Answer::Say(status, Vec::new(), text));
        let _ = writeln!(
            table,
            "{provider:9}  {status}  {shown:70}  {}",
            class(&sent)
        );
    }
    insta::assert_snapshot!(table, @r#"
    resend     409  {"message":"…","name":"invalid_idempotent_request"}                     taken
    resend     409  {"message":"…","name":"concurrent_idempotent_requests"}                 later
    resend     429  {"message":"…","name":"daily_quota_exceeded"}                           later, in 3600 s
    postmark   200  {"ErrorCode":0,"Message":"OK","MessageID":"m"}                          taken
    postmark   200  {"ErrorCode":0,"Message":"OK, but will not deliver to these inactive a  taken, but not by Ann <ann@example.com>
    postmark   422  {"ErrorCode":10,"Message":"Bad or missing API token","MessageID":"m"}   refused
    postmark   422  {"ErrorCode":300,"Message":"Invalid email request","MessageID":"m"}     never
    postmark   422  {"ErrorCode":400,"Message":"Sender signature not found","MessageID":"m  refused
    postmark   422  {"ErrorCode":405,"Message":"Not allowed to send","MessageID":"m"}       refused
    postmark   422  {"ErrorCode":406,"Message":"You tried to send to recipients that have   dead: ops@example.com, Ann <ann@example.com>
    postmark   503  {"ErrorCode":100,"Message":"Maintenance","MessageID":"m"}               later
    postmark   429  {"ErrorCode":429,"Message":"Rate limit exceeded","MessageID":"m"}       later
    mailgun    200  {"id":"<m@mg.example.com>","message":"Queued. Thank you."}              taken
    mailgun    200  Mailgun Magnificent API                                                 refused
    mailgun    404  {"message":"Domain not found: mg.example.com"}                          refused
    mailgun    400  {"message":"'to' parameter is not a valid address"}                     never
    ses        429  {"__type":"TooManyRequestsException","message":"Maximum sending rate e  later
    ses        429  {"__type":"TooManyRequestsException","message":"Daily message quota ex  later, in 3600 s
    ses        400  {"__type":"com.amazonaws.sesv2#LimitExceededException","message":"…"}   later, in 3600 s
    ses        400  {"__type":"AccountSuspendedException","message":"…"}                    refused
    ses        400  {"__type":"SendingPausedException","message":"…"}                       refused
    ses        400  {"__type":"MailFromDomainNotVerifiedException","message":"…"}           refused
    ses        400  {"__type":"MessageRejected","message":"Email address is not verified."  refused
    ses        400  {"__type":"MessageRejected","message":"Your message contained a virus"  never
    ses        400  {"__type":"BadRequestException","message":"…"}                          never
    ses        403  {"__type":"SignatureDoesNotMatch","message":"…"}                        refused
    ses        404  {"__type":"NotFoundException","message":"no such configuration set"}    refused
    brevo      201  {"messageId":"<m@smtp-relay.brevo.com>"}                                taken
    brevo      400  {"code":"duplicate_parameter","message":"Email for the idempotency key  taken
    brevo      400  {"code":"duplicate_parameter","message":"attachment is given twice"}    never
    brevo      402  {"code":"not_enough_credits","message":"…"}                             refused
    slack      200  ok                                                                      taken
    slack      400  invalid_blocks                                                          never
    slack      403  action_prohibited                                                       refused
    slack      410  channel_is_archived                                                     refused
    slack      500  rollup_error                                                            later
    pagerduty  202  {"dedup_key":"k","status":"success"}                                    taken
    pagerduty  400  {"errors":["'routing_key' is invalid"],"message":"Event object is inva  refused
    pagerduty  400  {"errors":["'payload.severity' is invalid"],"message":"Event object is  never
    "#);
}

#[test]
fn the_kind_of_an_error_of_aws_may_stand_in_a_header() {
    let answer = Answer::json(400, json!({ "message": "…" })).with(
        "x-amzn-errortype",
        "SendingPausedException:http://internal.amazon.com/",
    );
    assert_eq!(class(&send("ses", answer)), "refused");
}

#[test]
fn hints_of_all_kinds_are_heard() {
    for (provider, name, value, wait) in [
        (
            "sendgrid",
            "x-ratelimit-reset",
            "1649367563",
            "later, in 10 s",
        ),
        (
            "mailgun",
            "x-ratelimit-reset",
            "1649367563",
            "later, in 10 s",
        ),
        ("brevo", "x-sib-ratelimit-reset", "42", "later, in 42 s"),
        ("resend", "ratelimit-reset", "3", "later, in 3 s"),
        ("slack", "retry-after", "7", "later, in 7 s"),
        (
            "webhook",
            "retry-after",
            "Thu, 07 Apr 2022 21:40:00 GMT",
            "later, in 47 s",
        ),
        ("pagerduty", "retry-after", "99999999", "later, in 86400 s"),
        ("postmark", "retry-after", "soon", "later"),
    ] {
        assert_eq!(
            class(&send(provider, Answer::status(429).with(name, value))),
            wait,
            "{provider}"
        );
    }
}

#[test]
fn no_provider_gives_a_secret_away() {
    for provider in PROVIDERS {
        let words =
            format!("the key {KEY} and whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD are not valid");
        let said = json!({ "message": words, "Message": words, "ErrorCode": 300, "errors": [{ "message": words }] });
        let error = send(provider, Answer::json(418, said))
            .unwrap_err()
            .to_string();
        assert!(
            !error.contains(KEY) && error.contains("(secret)") || provider == "webhook",
            "{error}"
        );
        assert!(
            provider != "webhook" || !error.contains("C2FVsBQ"),
            "{error}"
        );
    }
}

#[test]
fn what_is_too_large_goes_without_its_picture() {
    let too_large = [
        ("resend", Answer::status(413)),
        ("sendgrid", Answer::status(413)),
        ("postmark", Answer::status(413)),
        ("mailgun", Answer::status(413)),
        (
            "ses",
            Answer::json(
                400,
                json!({ "message": "Message length is more than 41943040 bytes long" }),
            ),
        ),
    ];
    for (provider, answer) in too_large {
        let server = Provider::start([answer]);
        let _ = channel(provider, &server, json!({}))
            .send(&envelope(&short("s", "firing"), Some(PIXEL)));
        let requests = server.requests();
        assert_eq!(requests.len(), 2, "{provider}");
        assert!(requests[0].golden().contains("cid:dashboard"), "{provider}");
        assert!(
            !requests[1].golden().contains("cid:dashboard"),
            "{provider}"
        );
    }
}
