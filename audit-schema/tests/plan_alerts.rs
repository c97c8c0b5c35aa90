//! Plans of alerts, channels and routes: what they say is declared, and declared once.
#![cfg(feature = "embedded")]

mod shared;

use audit_core::Policy;
use audit_schema::{apply, plan};
use diesel::PgConnection;
use shared::{orders, show};

const POLICY: &str = "
version: 1
tables:
  public.orders:
    rules:
      - not_null: note
alerts:
  burst:
    on: findings
    within: 1h
    per: table
    when: failed > 100
    until: failed < 10
    reopen_within: 6h
    messages: each
    inhibited_by: [late, parents]
    escalate: { after: 30m, to: boss, severity: critical }
  late: { on: overdue, when: overdue > 0 }
channels:
  ops: { file: { directory: mail } }
  boss: { per_minute: 2, file: { directory: mail } }
routes:
  - { severity: normal, hours: Mon-Fri 08:00-18:00 Europe/London, to: ops }
  - { hours: daily 08:00-22:00 Europe/London, otherwise: next, to: ops }
  - { severity: low, digest: daily 7:00 Europe/London, to: ops }
  - { to: boss }
";

fn policy(text: &str) -> Policy {
    Policy::parse(text, "audit.yml").unwrap_or_else(|errors| panic!("{errors}"))
}

/// The plan without the table and its rule.
fn planned(connection: &mut PgConnection, text: &str) -> String {
    let plan = plan(connection, &policy(text)).unwrap().to_string();
    let lines = plan.lines().map(str::trim_end).filter(|line| {
        [
            "alert",
            "channel",
            "route",
            "until",
            "hours",
            "per_minute",
            "per_second",
            "escalate",
        ]
        .iter()
        .any(|word| line.contains(word))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn everything_that_alerts_say_is_declared_once() {
    let (_database, mut connection) = orders();
    insta::assert_snapshot!(planned(&mut connection, POLICY), @r#"
    + alert   burst: findings when failed > 100
    + alert   late: overdue when overdue > 0
    + channel ops: file in mail
    + channel boss: file in mail
    + route   1: normal at Mon-Fri 08:00-18:00 Europe/London to ops
    + route   2: everything at Mon-Sun 08:00-22:00 Europe/London (else the next) to ops
    + route   3: low in a digest (Mon-Sun 07:00 Europe/London) to ops
    + route   4: everything to boss
    "#);
    apply(&mut connection, &policy(POLICY)).unwrap();
    assert!(plan(&mut connection, &policy(POLICY)).unwrap().is_empty());
    assert!(apply(&mut connection, &policy(POLICY)).unwrap().is_empty());
    insta::assert_snapshot!(
        show(&mut connection, "select name, per_minute from audit.channel order by name"),
        @r#"
    (boss,2)
    (ops,10)
    "#
    );
}

#[test]
fn what_changes_in_an_alert_a_channel_or_a_route_is_said() {
    let (_database, mut connection) = orders();
    apply(&mut connection, &policy(POLICY)).unwrap();
    let changed = POLICY
        .replace("failed < 10", "failed < 20")
        .replace("after: 30m", "after: 1h")
        .replace("per_minute: 2", "per_minute: 3, per_second: 5")
        .replace("Mon-Fri 08:00", "Mon-Sat 09:00")
        .replace("digest: daily 7:00 Europe/London", "digest: hourly");
    insta::assert_snapshot!(planned(&mut connection, &changed), @r#"
    ~ alert   burst
        until: failed < 10 → failed < 20
        escalate: after 30 minutes, severity critical, to boss → after 1 hour, severity critical, to boss
    ~ channel boss
        per_minute: 2 → 3
        per_second: - → 5
    ~ route   1
        route: hours Mon-Fri 08:00-18:00 Europe/London, severity normal, to ops → hours Mon-Sat 09:00-18:00 Europe/London, severity normal, to ops
    ~ route   3
        route: digest Mon-Sun 07:00 Europe/London, severity low, to ops → digest hourly, severity low, to ops
    "#);
    apply(&mut connection, &policy(&changed)).unwrap();
    assert!(plan(&mut connection, &policy(&changed)).unwrap().is_empty());
}

#[test]
fn an_end_that_does_not_parse_is_told_with_its_place() {
    let (_database, mut connection) = orders();
    let wrong = POLICY.replace("failed < 10", "faild < 10");
    let errors = plan(&mut connection, &policy(&wrong)).unwrap_err();
    insta::assert_snapshot!(errors, @r#"
    audit.yml:13:12: column "faild" does not exist
       |
    13 |     until: faild < 10
       |            ^^^^^^^^^^
       = did you mean `failed`?

    1 error; nothing was applied
    "#);
}
