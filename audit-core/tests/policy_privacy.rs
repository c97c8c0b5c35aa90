//! What the log must not know and how long it remembers, in the policy file.

mod shared;

use audit_core::Policy;
use insta::assert_snapshot;
use shared::errors;

#[test]
fn columns_are_redacted_or_hashed_and_what_is_over_is_kept_for_a_while() {
    let policy = Policy::parse(
        "
version: 1
defaults:
  retain: { changes: 2y, findings: 5y, quarantine: 90d, rejections: 6 months, checks: 30d, alerts: 1y, deliveries: 90d }
tables:
  public.people:
    redact: [email, born]
    hash: phone
    retain: { changes: 90d, findings: forever }
  public.flights:
    redact: []
",
        "audit.yml",
    )
    .unwrap();
    let people = &policy.tables[0];
    assert_eq!(people.redact, ["email", "born"]);
    assert_eq!(people.hash, ["phone"]);
    assert_eq!(
        people.retain.to_string(),
        "changes 90 days, findings forever"
    );
    assert!(policy.tables[1].redact.is_empty() && policy.tables[1].retain.is_empty());
    assert_snapshot!(policy.defaults.retain, @"changes 2 years, findings 5 years, quarantine 90 days, rejections 6 months, checks 30 days, alerts 1 year, deliveries 90 days");
}

#[test]
fn what_is_wrong_with_them_is_said_where_it_stands() {
    assert_snapshot!(errors("
version: 1
defaults:
  retain: { change: 2y, findings: soon }
tables:
  public.people:
    redact: [email, email]
    hash: [phone, born]
    retain: { alerts: 1y, changes: 0d, checks: [1] }
  public.flights:
    redact: [tailnum]
    hash: [tailnum]
    retain: forever
"), @r"
    audit.yml:4:13: unknown key `change` in `retain`
      |
    4 |   retain: { change: 2y, findings: soon }
      |             ^^^^^^
      = did you mean `changes`?

    audit.yml:4:35: `soon` is not a length of time
      |
    4 |   retain: { change: 2y, findings: soon }
      |                                   ^^^^
      = expected a length of time such as `10m`, `4h`, `7d` or `1 day`

    audit.yml:7:21: `email` is given twice
      |
    7 |     redact: [email, email]
      |                     ^^^^^

    audit.yml:9:15: `alerts` are not kept table by table
      |
    9 |     retain: { alerts: 1y, changes: 0d, checks: [1] }
      |               ^^^^^^
      = write it below `defaults`

    audit.yml:9:36: nothing can be kept for no time
      |
    9 |     retain: { alerts: 1y, changes: 0d, checks: [1] }
      |                                    ^^
      = expected a length of time such as `90d`, or `forever`

    audit.yml:9:48: `checks` must be a length of time, and this is a list
      |
    9 |     retain: { alerts: 1y, changes: 0d, checks: [1] }
      |                                                ^
      = expected a length of time such as `10m`, `4h`, `7d` or `1 day`

    audit.yml:12:12: `tailnum` is both redacted and hashed
       |
    12 |     hash: [tailnum]
       |            ^^^^^^^
       = hash it if it has to be seen that it changed, else redact it

    audit.yml:13:13: `retain` must be a mapping, and this is a text
       |
    13 |     retain: forever
       |             ^^^^^^^
       = expected lines such as `key: value`

    8 errors; nothing was applied
    ");
}
