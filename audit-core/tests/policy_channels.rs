//! Channels in the policy file: what each provider takes, and what a person reads about what it does not.

mod shared;

use audit_core::{Policy, Provider};
use insta::assert_snapshot;
use shared::errors;

#[test]
fn every_provider_is_declared_and_stored_as_it_was_written() {
    let text = r#"
version: 1
channels:
  a: { resend: { from: a@x.org, to: b@x.org, cc: [c@x.org], bcc: d@x.org, reply_to: "Desk <e@x.org>", api_key: { env: KEY } } }
  b: { sendgrid: { from: a@x.org, to: b@x.org, api_key: { env: KEY }, region: eu, sandbox: true } }
  c: { postmark: { from: a@x.org, to: b@x.org, api_key: { env: TOKEN }, stream: alerts, sandbox: true } }
  d: { mailgun: { from: a@x.org, to: b@x.org, api_key: { env: KEY }, domain: mg.x.org, region: eu } }
  e: { brevo: { from: a@x.org, to: b@x.org, api_key: { env: KEY }, base_url: "http://127.0.0.1:1", allow_private: true } }
  f: { ses: { from: a@x.org, to: b@x.org, region: eu-west-1, access_key_id: AKID, secret_access_key: { env: KEY }, session_token: { env: TOKEN }, configuration_set: dq } }
  g: { smtp: { from: a@x.org, to: b@x.org, host: mail.x.org, port: 2525, tls: implicit, ca: /etc/own.pem, user: audit, password: { file: /run/secrets/mail } } }
  h: { slack: { url: { env: SLACK_URL } } }
  i: { pagerduty: { routing_key: { env: KEY }, region: eu } }
  j: { webhook: { url: "https://x.org/hook", secret: { env: SECRET } } }
  k: { file: { directory: mail } }
  l: { custom: {} }
"#;
    let policy = Policy::parse(text, "audit.yml").unwrap_or_else(|errors| panic!("{errors}"));
    let mut lines = Vec::new();
    for channel in &policy.channels {
        let definition = channel.provider.definition();
        let again: Provider = serde_json::from_value(definition.clone()).unwrap();
        assert_eq!(again, channel.provider);
        assert!(definition.get(channel.provider.name()).is_some());
        lines.push(definition.to_string());
    }
    assert_eq!(policy.channels.len(), Provider::NAMES.len());
    assert_snapshot!(lines.join("\n"), @r#"
    {"resend":{"api_key":{"env":"KEY"},"bcc":["d@x.org"],"cc":["c@x.org"],"from":"a@x.org","reply_to":"Desk <e@x.org>","to":["b@x.org"]}}
    {"sendgrid":{"api_key":{"env":"KEY"},"from":"a@x.org","region":"eu","sandbox":true,"to":["b@x.org"]}}
    {"postmark":{"api_key":{"env":"TOKEN"},"from":"a@x.org","sandbox":true,"stream":"alerts","to":["b@x.org"]}}
    {"mailgun":{"api_key":{"env":"KEY"},"domain":"mg.x.org","from":"a@x.org","region":"eu","to":["b@x.org"]}}
    {"brevo":{"allow_private":true,"api_key":{"env":"KEY"},"base_url":"http://127.0.0.1:1","from":"a@x.org","to":["b@x.org"]}}
    {"ses":{"access_key_id":"AKID","configuration_set":"dq","from":"a@x.org","region":"eu-west-1","secret_access_key":{"env":"KEY"},"session_token":{"env":"TOKEN"},"to":["b@x.org"]}}
    {"smtp":{"ca":"/etc/own.pem","from":"a@x.org","host":"mail.x.org","password":{"file":"/run/secrets/mail"},"port":2525,"tls":"implicit","to":["b@x.org"],"user":"audit"}}
    {"slack":{"url":{"env":"SLACK_URL"}}}
    {"pagerduty":{"region":"eu","routing_key":{"env":"KEY"}}}
    {"webhook":{"secret":{"env":"SECRET"},"url":"https://x.org/hook"}}
    {"file":{"directory":"mail"}}
    {"custom":{}}
    "#);
}

#[test]
fn what_a_provider_can_not_use_is_told() {
    assert_snapshot!(errors("
version: 1
channels:
  a: { mailgun: { from: a@x.org, to: b.x.org, api_key: { env: KEY }, region: asia } }
  b: { ses: { from: a@x.org, to: [b@x.org], region: 'eu.example.com/', secret_access_key: { env: KEY } } }
  c: { smtp: { from: a@x.org, to: b@x.org, host: mail.x.org, port: 70000, user: audit } }
  d: { smtp: { from: a@x.org, to: b@x.org, host: mail.x.org, tls: none, user: audit, password: { env: KEY } } }
  e: { slack: { url: https://hooks.slack.com/services/T0/B0/123456 } }
  f: { brevo: { from: a@x.org, to: b@x.org, api_key: { env: KEY }, sandbox: sometimes, domain: x.org } }
"), @r"
    audit.yml:4:8: `mailgun` needs `domain`
      |
    4 |   a: { mailgun: { from: a@x.org, to: b.x.org, api_key: { env: KEY }, region: asia } }
      |        ^^^^^^^

    audit.yml:4:38: `b.x.org` is not an address
      |
    4 |   a: { mailgun: { from: a@x.org, to: b.x.org, api_key: { env: KEY }, region: asia } }
      |                                      ^^^^^^^
      = expected `name@example.com` or `Name <name@example.com>`

    audit.yml:4:78: unknown region `asia`
      |
    4 |   a: { mailgun: { from: a@x.org, to: b.x.org, api_key: { env: KEY }, region: asia } }
      |                                                                              ^^^^
      = expected `us` or `eu`

    audit.yml:5:8: `ses` needs `access_key_id`
      |
    5 |   b: { ses: { from: a@x.org, to: [b@x.org], region: 'eu.example.com/', secret_access_key: { env: KEY } } }
      |        ^^^

    audit.yml:5:53: `region` is not a region of AWS
      |
    5 |   b: { ses: { from: a@x.org, to: [b@x.org], region: 'eu.example.com/', secret_access_key: { env: KEY } } }
      |                                                     ^^^^^^^^^^^^^^^^^
      = expected a name such as `eu-west-1`

    audit.yml:6:68: `port` is not a port
      |
    6 |   c: { smtp: { from: a@x.org, to: b@x.org, host: mail.x.org, port: 70000, user: audit } }
      |                                                                    ^^^^^
      = expected a number from 1 to 65535

    audit.yml:7:86: a password is not sent unencrypted
      |
    7 |   d: { smtp: { from: a@x.org, to: b@x.org, host: mail.x.org, tls: none, user: audit, password: { env: KEY } } }
      |                                                                                      ^^^^^^^^
      = take out `tls: none`, or the password

    audit.yml:8:22: `url` is a secret and must not stand in the policy
      |
    8 |   e: { slack: { url: ********************************************* } }
      |                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = expected `{ env: NAME }` or `{ file: /path }`; consider the one that stood here as known to others

    audit.yml:9:77: `sandbox` must be `true` or `false`, and this is a text
      |
    9 |   f: { brevo: { from: a@x.org, to: b@x.org, api_key: { env: KEY }, sandbox: sometimes, domain: x.org } }
      |                                                                             ^^^^^^^^^

    audit.yml:9:88: unknown key `domain` in `brevo`
      |
    9 |   f: { brevo: { from: a@x.org, to: b@x.org, api_key: { env: KEY }, sandbox: sometimes, domain: x.org } }
      |                                                                                        ^^^^^^
      = expected `from`, `to`, `cc`, `bcc`, `reply_to`, `api_key`, `sandbox`, `base_url`, `allow_private` or `ca`

    10 errors; nothing was applied
    ");
}

#[test]
fn a_secret_in_the_policy_is_refused_and_not_shown() {
    let text = errors("
version: 1
channels:
  ops: { resend: { from: a@example.com, to: b@example.com, api_key: re_123456, reply: c@example.com } }
  hook: { webhook: { url: https://example.com, secret: { env: whsec/123456 } } }
");
    assert!(!text.contains("123456"), "{text}");
    assert_snapshot!(text, @r"
    audit.yml:4:69: `api_key` is a secret and must not stand in the policy
      |
    4 |   ops: { resend: { from: a@example.com, to: b@example.com, api_key: *********, reply: c@example.com } }
      |                                                                     ^^^^^^^^^
      = expected `{ env: NAME }` or `{ file: /path }`; consider the one that stood here as known to others

    audit.yml:4:80: unknown key `reply` in `resend`
      |
    4 |   ops: { resend: { from: a@example.com, to: b@example.com, api_key: *********, reply: c@example.com } }
      |                                                                                ^^^^^
      = expected `from`, `to`, `cc`, `bcc`, `reply_to`, `api_key`, `base_url`, `allow_private` or `ca`

    audit.yml:5:63: `env` must be the name of an environment variable
      |
    5 |   hook: { webhook: { url: https://example.com, secret: { env: ************ } } }
      |                                                               ^^^^^^^^^^^^
      = expected letters, digits and `_`, for example `RESEND_API_KEY`

    3 errors; nothing was applied
    ");
}
