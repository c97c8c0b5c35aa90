//! What a policy file says about alerts, channels and routes, and what is wrong with it.

use audit_core::{Messages, Otherwise, Per, Policy, Severity, Subject};
use insta::assert_snapshot;

const REST: &str = "
version: 1
tables: { public.flights: {}, public.airports: {} }
summaries: { by_day: { from: public.flights, group_by: origin, measures: { flights: count } } }
channels: { ops: { file: { directory: mail } }, boss: { per_minute: 2, file: { directory: mail } } }
";

fn policy(text: &str) -> Policy {
    Policy::parse(&format!("{REST}{text}"), "audit.yml").unwrap_or_else(|errors| panic!("{errors}"))
}

/// What is wrong with a text that stands below the others, without the lines that show it.
fn wrong(text: &str) -> String {
    let errors = Policy::parse(&format!("{REST}{text}"), "audit.yml").unwrap_err();
    let lines: Vec<String> = errors
        .problems
        .iter()
        .map(|problem| match &problem.help {
            Some(help) => format!("{} ({help})", problem.message),
            None => problem.message.clone(),
        })
        .collect();
    lines.join("\n")
}

#[test]
fn everything_that_an_alert_can_say_is_read() {
    let policy = policy(
        "
alerts:
  burst:
    on: findings
    within: 1h
    per: table
    when: failed > 100
    until: failed < 10
    reopen_within: 6h
    messages: each
    inhibited_by: [few, public.airports, parents]
    escalate: { after: 30m, to: boss, severity: critical }
  few: { on: by_day, when: flights < 5 }
  late: { on: overdue, when: overdue > 0 }
",
    );
    let burst = &policy.alerts[0];
    assert_snapshot!(
        serde_json::to_string_pretty(&burst.definition()).unwrap(),
        @r#"
    {
      "escalate": {
        "after": "30 minutes",
        "severity": "critical",
        "to": [
          "boss"
        ]
      },
      "inhibited_by": [
        "few",
        "public.airports",
        "parents"
      ],
      "messages": "each",
      "on": "findings",
      "per": "table",
      "reopen_within": "6 hours",
      "severity": "inherit",
      "until": "failed < 10",
      "when": "failed > 100",
      "within": "1 hour"
    }
    "#
    );
    assert_eq!((burst.per, burst.messages), (Per::Table, Messages::Each));
    assert_eq!(policy.alerts[1].messages, Messages::Together);
    assert_eq!(policy.alerts[2].on, Subject::Overdue);
    assert_eq!(policy.channels[1].per_minute, 2);
    assert_eq!(policy.channels[0].per_minute, 10);
    let read: audit_core::AlertPolicy = serde_json::from_value(burst.definition()).unwrap();
    assert_eq!(read.escalate.unwrap().severity, Some(Severity::Critical));
}

#[test]
fn what_an_alert_can_not_say_is_told() {
    assert_snapshot!(
        wrong(
            "
alerts:
  a: { on: findings, when: failed > 1 }
  b: { on: rules, within: 1h, per: table, when: failing > 1 }
  c: { on: findings, within: 0s, when: failed > 1, say: '{failing}' }
  d: { on: rules, when: failing > 1, inhibited_by: [d, elephant, public.weather] }
  parents: { on: rules, when: failing > 1, messages: togehter }
  f: { on: rules, when: failing > 1, escalate: { after: 30m } }
  g: { on: rules, when: failing > 1, escalate: { to: bos } }
"
        ),
        @"
    an alert on `findings` needs `within` (for example `within: 1h`: the findings of the last hour are counted)
    `within` is only for alerts on `findings` (`rules`, `overdue` and summaries are looked at as they are now)
    `per` is only for alerts on `findings` and `overdue`
    `within` must be longer than no time
    unknown name in `say` `failing` (expected `findings`, `failed`, `errors`, `rejected`, `table`, `rule`, `kind`, `action` or `why`)
    an alert cannot inhibit itself (name another alert, a table, or `parents`)
    unknown alert or watched table `elephant` (expected `a`, `b`, `c`, `parents`, `f`, `g`, `public.flights`, `public.airports` or `parents`)
    unknown alert or watched table `public.weather` (expected `a`, `b`, `c`, `parents`, `f`, `g`, `public.flights`, `public.airports` or `parents`)
    an alert cannot be named `parents` (in `inhibited_by` it means the tables that a table refers to)
    unknown messages `togehter` (did you mean `together`?)
    `escalate` needs `to` or `severity` (`to: [channel]` tells more people, `severity: critical` makes it matter more)
    `escalate` needs `after`
    unknown channel `bos` (did you mean `boss`?)
    "
    );
}

#[test]
fn a_route_may_have_hours_and_say_what_happens_at_others() {
    let policy = policy(
        "
routes:
  - { severity: normal, hours: mon-fri 8:00-18:00 Europe/London, to: ops }
  - { hours: 'daily 08:00-22:00 Europe/London', otherwise: next, to: ops }
  - { to: boss }
",
    );
    assert_snapshot!(
        policy.routes[0].definition(),
        @r#"{"hours":{"days":[1,2,3,4,5],"from":"08:00","time_zone":"Europe/London","to":"18:00"},"severity":["normal"],"to":["ops"]}"#
    );
    assert_eq!(policy.routes[0].otherwise, Otherwise::Wait);
    assert_eq!(policy.routes[1].otherwise, Otherwise::Next);
    let read: audit_core::Route = serde_json::from_value(policy.routes[1].definition()).unwrap();
    assert_eq!(read, policy.routes[1]);
}

#[test]
fn a_route_may_collect_news_for_a_digest() {
    let policy = policy(
        "
routes:
  - { severity: critical, to: boss }
  - { severity: important, hours: mon-fri 8:00-18:00 Europe/London, otherwise: digest, to: ops }
  - { severity: normal, hours: mon-fri 8:00-18:00 Europe/London, otherwise: digest, digest: hourly, to: ops }
  - { digest: daily 7:30 Europe/London, to: ops }
",
    );
    let shown: Vec<String> = policy.routes[1..]
        .iter()
        .map(|route| {
            let definition = route.definition();
            format!("{} {}", definition["otherwise"], definition["digest"])
        })
        .collect();
    assert_snapshot!(shown.join("\n"), @r#"
    "digest" null
    "digest" "hourly"
    null {"at":"07:30","days":[1,2,3,4,5,6,7],"time_zone":"Europe/London"}
    "#);
    for route in &policy.routes {
        let read: audit_core::Route = serde_json::from_value(route.definition()).unwrap();
        assert_eq!(read, *route);
    }
}

#[test]
fn a_digest_that_a_route_can_not_send_is_told() {
    assert_snapshot!(
        wrong(
            "
routes:
  - { severity: low, digest: monthly, to: ops }
  - { severity: normal, hours: Mon-Fri 08:00-18:00 UTC, digest: daily, to: ops }
  - { severity: important, otherwise: digest, to: ops }
  - { digest: daily, to: ops }
  - { to: boss }
"
        ),
        @"
    `monthly` is no time for a digest such as `daily`, `hourly`, `weekly` or `Mon-Fri 08:00 Europe/London` (days, and if you like a time of day and a time zone)
    a route has `hours` or a `digest` (say `otherwise: digest`, and it tells of what comes outside of them)
    `otherwise` needs `hours` (it says what happens outside of them)
    no alert comes to this route (the route in line 11 takes everything)
    "
    );
}

#[test]
fn a_channel_is_sent_to_as_fast_as_its_provider_takes_it() {
    let policy = Policy::parse(
        "
version: 1
channels:
  a: { slack: { url: { env: SLACK } } }
  b: { per_second: 50, slack: { url: { env: SLACK } } }
  c: { file: { directory: mail } }
",
        "audit.yml",
    )
    .unwrap();
    let pace: Vec<Option<u32>> = policy
        .channels
        .iter()
        .map(|channel| channel.per_second)
        .collect();
    assert_eq!(pace, [Some(1), Some(50), None]);
}

#[test]
fn what_a_route_or_a_channel_can_not_say_is_told() {
    assert_snapshot!(
        wrong(
            "
routes:
  - { severity: low, hours: office, to: ops }
  - { severity: low, otherwise: wait, to: ops }
  - { hours: Mon-Fri 08:00-18:00 UTC, otherwise: next, to: ops }
"
        ),
        @"
    `office` are not hours such as `Mon-Fri 08:00-18:00 Europe/London` (expected days, a time of day and a time zone)
    `otherwise` needs `hours` (it says what happens outside of them)
    there is no next route for what comes at other hours (add a route below it, or let the messages wait)
    "
    );
    let text = "
version: 1
channels:
  ops: { per_minute: 0, per_second: many, file: { directory: mail } }
  boss: { per_minute: 3, per_second: 3 }
";
    let errors = Policy::parse(text, "audit.yml").unwrap_err();
    let messages: Vec<&str> = errors
        .problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    assert_eq!(
        messages,
        [
            "`per_minute` must be a number of messages",
            "`per_second` must be a number of messages",
            "a channel needs a provider"
        ]
    );
}

#[test]
fn the_words_for_what_alerts_look_at_name_no_summary() {
    for word in Subject::WORDS {
        let text = format!(
            "version: 1\ntables: {{ public.flights: {{}} }}\nsummaries: {{ {word}: {{ from: public.flights, measures: {{ n: count }} }} }}\n"
        );
        let errors = Policy::parse(&text, "audit.yml").unwrap_err();
        assert_eq!(
            errors.problems[0].message,
            format!("a summary cannot be named `{word}`")
        );
    }
}
