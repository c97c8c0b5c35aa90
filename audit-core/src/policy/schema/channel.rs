//! The schema of channels and routes.

use serde_json::{Value, json};

use super::{object, or_variable, severities, text, texts, truth, word};
use crate::Provider;

pub(super) fn channel() -> Value {
    let mut properties: Vec<(&str, Value)> =
        Provider::NAMES.map(|name| (name, provider(name))).to_vec();
    let messages = json!({ "type": "integer", "minimum": 1, "maximum": 1000 });
    properties.push(("per_minute", or_variable(
        "How many messages go there in a minute; the last speaks for all that follow. By default 10.",
        messages.clone(),
    )));
    properties.push(("per_second", or_variable(
        "How many messages a second are sent to the provider. By default what it allows every account.",
        messages,
    )));
    let mut channel = object(
        "a channel",
        "Where messages go: one provider.",
        properties,
        &[],
    );
    channel["oneOf"] = Provider::NAMES
        .iter()
        .map(|name| json!({ "required": [name] }))
        .collect();
    channel
}

fn provider(name: &str) -> Value {
    let title = format!("`{name}`");
    let mail = || {
        [
            (
                "from",
                text("The sender: `name@example.com` or `Name <name@example.com>`."),
            ),
            ("to", texts("Who receives it.")),
            ("cc", texts("Who receives a copy.")),
            (
                "bcc",
                texts("Who receives a copy that the others do not see."),
            ),
            ("reply_to", text("Where answers go.")),
        ]
    };
    let api_key = || ("api_key", secret("The key of the account."));
    let region = || ("region", word(&["us", "eu"], "Where the account is."));
    let sandbox = || {
        (
            "sandbox",
            truth("Whether the provider only looks at messages, and sends none."),
        )
    };
    let place = || {
        [
            (
                "base_url",
                setting("Where requests go, if not to the provider itself."),
            ),
            allow_private(),
            ca(),
        ]
    };
    let (about, properties, required): (&str, Vec<(&str, Value)>, &[&str]) = match name {
        "resend" => (
            "Mail through Resend.",
            vec![api_key()],
            &["from", "to", "api_key"],
        ),
        "sendgrid" => (
            "Mail through SendGrid.",
            vec![api_key(), region(), sandbox()],
            &["from", "to", "api_key"],
        ),
        "postmark" => (
            "Mail through Postmark.",
            vec![
                api_key(),
                ("stream", text("The message stream.")),
                sandbox(),
            ],
            &["from", "to", "api_key"],
        ),
        "mailgun" => (
            "Mail through Mailgun.",
            vec![
                api_key(),
                ("domain", text("The domain of the sender.")),
                region(),
                sandbox(),
            ],
            &["from", "to", "api_key", "domain"],
        ),
        "brevo" => (
            "Mail through Brevo.",
            vec![api_key(), sandbox()],
            &["from", "to", "api_key"],
        ),
        "ses" => (
            "Mail through Amazon SES.",
            vec![
                ("region", text("The region, for example `eu-west-1`.")),
                ("access_key_id", setting("The id of the access key.")),
                ("secret_access_key", secret("The access key.")),
                (
                    "session_token",
                    secret("The token of a session, if the key has one."),
                ),
                ("configuration_set", text("The configuration set.")),
            ],
            &["from", "to", "region", "access_key_id", "secret_access_key"],
        ),
        "smtp" => (
            "Mail through a mail server.",
            vec![
                ("host", text("The server.")),
                (
                    "port",
                    or_variable(
                        "The port; by default that of the encryption.",
                        json!({ "type": "integer", "minimum": 1, "maximum": 65535 }),
                    ),
                ),
                (
                    "tls",
                    word(
                        &["starttls", "implicit", "none"],
                        "How the connection is encrypted.",
                    ),
                ),
                ca(),
                ("user", setting("Who logs in.")),
                ("password", secret("The password.")),
            ],
            &["from", "to", "host"],
        ),
        "slack" => (
            "A channel of Slack, through an incoming webhook.",
            vec![
                (
                    "url",
                    secret("The address of the webhook, which is a secret."),
                ),
                allow_private(),
                ca(),
            ],
            &["url"],
        ),
        "pagerduty" => (
            "PagerDuty, through its events.",
            vec![("routing_key", secret("The integration key.")), region()],
            &["routing_key"],
        ),
        "webhook" => (
            "Any program that takes signed JSON.",
            vec![
                ("url", setting("Where it is posted to.")),
                ("secret", secret("The key of the signature.")),
                allow_private(),
                ca(),
            ],
            &["url", "secret"],
        ),
        "file" => (
            "Files in a folder.",
            vec![("directory", text("The folder."))],
            &["directory"],
        ),
        "custom" => (
            "Whatever the program that embeds the pipeline does with messages.",
            Vec::new(),
            &[],
        ),
        // A provider that is not described here would have no completion: a test says so.
        _ => return json!({}),
    };
    let is_mail = required.contains(&"from");
    let mut all: Vec<(&str, Value)> = Vec::new();
    all.extend(is_mail.then(mail).into_iter().flatten());
    all.extend(properties);
    all.extend(
        (is_mail && name != "smtp" || name == "pagerduty")
            .then(place)
            .into_iter()
            .flatten(),
    );
    object(&title, about, all, required)
}

fn allow_private() -> (&'static str, Value) {
    (
        "allow_private",
        truth("Whether requests may go to addresses of the own network."),
    )
}

fn ca() -> (&'static str, Value) {
    (
        "ca",
        text(
            "A file with the certificates of those who vouch for it, as PEM, if not the public authorities do.",
        ),
    )
}

/// Where a secret is kept.
fn secret(about: &str) -> Value {
    let mut schema = object(
        "a secret",
        about,
        [
            (
                "env",
                json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$|\\$\\{", "description": "The environment variable in which it is, where messages are sent." }),
            ),
            (
                "file",
                text("The file in which it is, where messages are sent."),
            ),
        ],
        &[],
    );
    schema["minProperties"] = json!(1);
    schema["maxProperties"] = json!(1);
    schema
}

/// A text, or where it is kept.
fn setting(about: &str) -> Value {
    json!({ "description": about, "anyOf": [text(about), secret(about)] })
}

pub(super) fn route() -> Value {
    object(
        "a route",
        "Which alerts go to which channels.",
        [
            ("severity", severities("Alerts of this severity.")),
            (
                "owner",
                text("Alerts that this person or team has to see to."),
            ),
            ("table", text("Alerts about this table.")),
            (
                "hours",
                text("Hours in which it is told: `Mon-Fri 08:00-18:00 Europe/London`."),
            ),
            (
                "otherwise",
                word(
                    &["wait", "next", "digest"],
                    "What happens outside of them: messages wait, the next route is asked, or a digest collects them.",
                ),
            ),
            (
                "digest",
                text(
                    "When one message tells of all that came: `daily`, `weekly`, `hourly`, `Mon-Fri 08:00 Europe/London`.",
                ),
            ),
            ("to", texts("The channels.")),
            ("continue", truth("Whether the next routes are asked, too.")),
        ],
        &["to"],
    )
}
