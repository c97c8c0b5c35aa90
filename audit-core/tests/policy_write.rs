//! A policy written as a file is the policy that was read.

use audit_core::Policy;
use insta::assert_snapshot;

fn policy(text: &str) -> Policy {
    Policy::parse(text, "audit.yml").unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

#[test]
fn whatever_the_language_can_say_is_written_and_read_again() {
    let before = policy(include_str!("policies/accepted/everything.yml"));
    let text = before.to_yaml();
    let after = policy(&text);
    assert_eq!(after.tables, before.tables);
    assert_eq!(after.summaries, before.summaries);
    assert_eq!(after.alerts, before.alerts);
    assert_eq!(after.channels, before.channels);
    assert_eq!(after.routes, before.routes);
    assert_eq!(after.silences, before.silences);
    assert_eq!(after.to_yaml(), text);
}

#[test]
fn a_file_is_written_as_a_person_would() {
    let text = policy(
        "
version: 1
defaults: { owner: data@example.com }
tables:
  public.planes:
    why: \"yes\"
  public.flights:
    why: \"Departures: crews\\nand gates.\"
    rules:
      - not_null: [tailnum, odd Name]
        name: given
      - range: { distance: { min: 1, max: 5000.5 }, price: { max: 0.12345678901234567890 } }
        severity: critical
        action: quarantine
        mode: hide
        where: price > '$${X}'
      - references: { carrier: public.airlines.\"Code 1\" }
      - fresh: { within: 2h }
        every: 5m
summaries:
  n: { from: public.flights, group_by: [origin, { far: distance > 9 }], measures: { z: count, a: { sum: distance } } }
routes: [{ severity: low, hours: \"Mon-Fri 08:00-18:00 UTC\", to: disk }, { to: disk }]
channels: { disk: { file: { directory: mail } } }
",
    )
    .to_yaml();
    policy(&text);
    assert_snapshot!(text, @r#"
    version: 1
    tables:
      public.planes:
        why: "yes"
        owner: data@example.com
      public.flights:
        why: "Departures: crews\nand gates."
        owner: data@example.com
        rules:
          - not_null: tailnum
            name: given_tailnum
            severity: normal
            owner: data@example.com
            fix_within: "7 days"
          - not_null: odd Name
            name: given_odd Name
            severity: normal
            owner: data@example.com
            fix_within: "7 days"
          - range: { distance: { max: 5000.5, min: 1 } }
            severity: critical
            action: quarantine
            mode: hide
            owner: data@example.com
            fix_within: "4 hours"
            where: "price > '$${X}'"
          - range: { price: { max: "0.12345678901234567890" } }
            severity: critical
            action: quarantine
            mode: hide
            owner: data@example.com
            fix_within: "4 hours"
            where: "price > '$${X}'"
          - references: { carrier: "public.airlines.\"Code 1\"" }
            severity: normal
            owner: data@example.com
            fix_within: "7 days"
          - fresh: { within: "2 hours" }
            severity: normal
            owner: data@example.com
            fix_within: "7 days"
            every: "5 minutes"
    summaries:
      "n":
        from: public.flights
        group_by: [origin, { far: distance > 9 }]
        measures:
          z: count
          a: { sum: distance }
    channels:
      disk: { file: { directory: mail } }
    routes:
      - { hours: "Mon-Fri 08:00-18:00 UTC", severity: [low], to: [disk] }
      - { to: [disk] }
    "#);
}
