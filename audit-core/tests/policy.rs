//! The policy file: what is accepted, and what a person reads about what is not.

mod shared;

use audit_core::{
    Action, AlertSeverity, Mail, MailApi, Nulls, OnError, Period, Place, Policy, Provider,
    QuarantineMode, RuleKind, Secret, Setting, Severity, Subject,
};
use insta::assert_snapshot;
use proptest::prelude::*;
use shared::errors;

/// The rules of a table of which only the rules are given.
fn rules(text: &str) -> Vec<audit_core::Rule> {
    let text = format!("version: 1\ntables:\n  public.flights:\n    rules:\n{text}");
    match Policy::parse(&text, "audit.yml") {
        Ok(policy) => policy.tables.into_iter().next().unwrap().rules,
        Err(errors) => panic!("{errors}"),
    }
}

/// What a person reads about a rule that is wrong.
fn rule_errors(text: &str) -> String {
    errors(&format!(
        "version: 1\ntables:\n  public.flights:\n    rules:\n{text}"
    ))
}

#[test]
fn the_policy_of_the_demo_is_accepted() {
    let text = include_str!("../../examples/flights/audit.yml");
    let policy = Policy::parse(text, "audit.yml").unwrap_or_else(|errors| panic!("{errors}"));
    let flights = &policy.tables[0];
    assert_eq!(flights.name, "public.flights");
    assert_eq!(flights.owner, "ops-data@example.com");
    assert_eq!(policy.summaries[0].name, "departures_by_day");
    assert_eq!(policy.alerts[1].on, Subject::Rules);
    assert!(matches!(policy.channels[0].provider, Provider::Resend(_)));
}

#[test]
fn a_short_form_stands_for_one_rule_a_column() {
    let rules = rules(
        "
      - not_null: [tailnum, dest]
      - range: { distance: { min: 1 }, air_time: { min: 1, max: 1440 } }
      - one_of: { origin: [EWR, JFK] }
      - references: { carrier: public.airlines.carrier }
      - unique: [year, month, day]
      - name: arrived_flights_departed
        expression: arr_time is null or dep_time is not null
        where: time_hour < now()
      - format: { contact: email }
      - length: { carrier: { min: 2, max: 2 } }
      - matches: { tailnum: '^N[0-9]+$' }
      - not_future: { time_hour: { tolerance: 5m } }
      - not_blank: dest
      - not_one_of: { dest: [XXX, 0012, 7, true, NO] }
      - not_future: seen_at
",
    );
    let lines: Vec<String> = rules
        .iter()
        .map(|rule| {
            format!(
                "{}: {} {}",
                rule.name,
                rule.kind.name(),
                rule.kind.definition()
            )
        })
        .collect();
    assert_snapshot!(lines.join("\n"), @r#"
    not_null_tailnum: not_null {"column":"tailnum"}
    not_null_dest: not_null {"column":"dest"}
    range_distance: range {"column":"distance","min":1}
    range_air_time: range {"column":"air_time","max":1440,"min":1}
    one_of_origin: one_of {"column":"origin","values":["EWR","JFK"]}
    references_carrier: references {"column":"carrier","key":"carrier","table":"public.airlines"}
    unique_year_month_day: unique {"columns":["year","month","day"]}
    arrived_flights_departed: expression {"expression":"arr_time is null or dep_time is not null"}
    format_contact: format {"column":"contact","format":"email"}
    length_carrier: length {"column":"carrier","max":2,"min":2}
    matches_tailnum: matches {"column":"tailnum","pattern":"^N[0-9]+$"}
    not_future_time_hour: not_future {"column":"time_hour","tolerance":"5 minutes"}
    not_blank_dest: not_blank {"column":"dest"}
    not_one_of_dest: not_one_of {"column":"dest","values":["XXX","0012",7,true,"NO"]}
    not_future_seen_at: not_future {"column":"seen_at"}
    "#);
    let departed = &rules[7];
    assert_eq!(departed.condition.as_deref(), Some("time_hour < now()"));
}

#[test]
fn what_a_rule_does_not_say_comes_from_its_table_and_from_the_defaults() {
    let policy = Policy::parse(
        "
version: 1
defaults:
  owner: data@example.com
  fix_within: { important: 12h, low: 30d, normal: none }
tables:
  public.flights:
    owner: ops@example.com
    rules:
      - not_null: a
      - not_null: b
        severity: critical
        action: reject
        owner: billing@example.com
        nulls: fail
        on_error: block
        fix_within: 1h
      - not_null: c
        severity: important
  public.planes:
",
        "audit.yml",
    )
    .unwrap();
    let [a, b, c] = policy.tables[0].rules.as_slice() else {
        panic!("expected three rules");
    };
    assert_eq!((a.severity, a.action), (Severity::Normal, Action::Flag));
    assert_eq!((a.nulls, a.on_error), (Nulls::Pass, OnError::Pass));
    assert_eq!((a.owner.as_str(), a.fix_within), ("ops@example.com", None));
    assert_eq!((b.severity, b.action), (Severity::Critical, Action::Reject));
    assert_eq!((b.nulls, b.on_error), (Nulls::Fail, OnError::Block));
    assert_eq!(b.owner, "billing@example.com");
    assert_eq!(b.fix_within, Some(Period::hours(1)));
    assert_eq!(c.fix_within, Some(Period::hours(12)));
    assert_eq!(policy.tables[1].owner, "data@example.com");
}

#[test]
fn alerts_channels_and_routes_are_read() {
    let policy = Policy::parse(
        r#"
version: 1
tables: { public.flights: {} }
summaries:
  by_day: { from: public.flights, group_by: origin, measures: { flights: count } }
alerts:
  cancellations:
    on: by_day
    when: flights > 50
    for: 10m
    keep_firing_for: 1h
    severity: critical
    say: "{origin}: {flights}"
    runbook: https://example.com/runbooks/cancellations
    repeat_every: 4h
  bad_rows: { on: rules, when: failing_ratio > 0.05 }
channels:
  ops: { resend: { from: "Audit <audit@example.com>", to: ops@example.com, api_key: { env: RESEND_API_KEY } } }
  more: { sendgrid: { from: a@example.com, to: [b@example.com, c@example.com], api_key: { file: /run/secrets/key } } }
  hook: { webhook: { url: { env: HOOK_URL }, secret: { env: HOOK_SECRET } } }
  disk: { file: { directory: mail } }
routes:
  - { severity: critical, to: [ops, hook], continue: true }
  - { severity: [important, normal], owner: ops@example.com, table: public.flights, to: more }
  - { to: disk }
"#,
        "audit.yml",
    )
    .unwrap_or_else(|errors| panic!("{errors}"));
    assert_snapshot!(policy.alerts[0].definition().to_string(), @r#"{"for":"10 minutes","keep_firing_for":"1 hour","on":"by_day","repeat_every":"4 hours","runbook":"https://example.com/runbooks/cancellations","say":"{origin}: {flights}","severity":"critical","when":"flights > 50"}"#);
    assert_eq!(policy.alerts[1].severity, AlertSeverity::Inherit);
    assert_eq!(
        policy.channels[0].provider,
        Provider::Resend(MailApi {
            mail: Mail {
                from: "Audit <audit@example.com>".to_owned(),
                to: vec!["ops@example.com".to_owned()],
                ..Mail::default()
            },
            api_key: Secret::Env("RESEND_API_KEY".to_owned()),
            place: Place::default(),
        })
    );
    assert_eq!(
        policy.channels[2].provider,
        Provider::Webhook {
            url: Setting::Kept(Secret::Env("HOOK_URL".to_owned())),
            secret: Secret::Env("HOOK_SECRET".to_owned()),
            allow_private: false,
            ca: None,
        }
    );
    let routes: Vec<String> = policy
        .routes
        .iter()
        .map(|route| route.definition().to_string())
        .collect();
    assert_snapshot!(routes.join("\n"), @r#"
    {"continue":true,"severity":["critical"],"to":["ops","hook"]}
    {"owner":"ops@example.com","severity":["important","normal"],"table":"public.flights","to":["more"]}
    {"to":["disk"]}
    "#);
}

#[test]
fn a_reference_may_quote_its_names() {
    let rules = rules("      - references: { carrier: public.\"Air.Lines\".\"Code\" }\n");
    assert_eq!(
        rules[0].kind,
        RuleKind::References {
            column: "carrier".to_owned(),
            table: "public.\"Air.Lines\"".to_owned(),
            key: "Code".to_owned(),
        }
    );
}

#[test]
fn a_bound_with_more_digits_than_a_float_holds_is_not_rounded() {
    let rules = rules("      - range: { amount: { min: 0.5, max: 12345678901234567890.12 } }\n");
    assert_snapshot!(rules[0].kind.definition(), @r#"{"column":"amount","max":"12345678901234567890.12","min":0.5}"#);
}

#[test]
fn misspelt_keys_are_told_with_what_was_probably_meant() {
    assert_snapshot!(errors("
version: 1
tabels: {}
tables:
  public.flights:
    ownr: me
    rules:
      - notnull: tailnum
        severty: high
      - not_null: tailnum
        severity: hgih
        acton: reject
"), @r"
    audit.yml:3:1: unknown key `tabels` in a policy
      |
    3 | tabels: {}
      | ^^^^^^
      = did you mean `tables`?

    audit.yml:6:5: unknown key `ownr` in a table
      |
    6 |     ownr: me
      |     ^^^^
      = did you mean `owner`?

    audit.yml:8:9: unknown kind of rule `notnull`
      |
    8 |       - notnull: tailnum
      |         ^^^^^^^
      = did you mean `not_null`?

    audit.yml:9:9: unknown key `severty` in a rule
      |
    9 |         severty: high
      |         ^^^^^^^
      = did you mean `severity`?

    audit.yml:11:19: unknown severity `hgih`
       |
    11 |         severity: hgih
       |                   ^^^^
       = expected `critical`, `important`, `normal` or `low`

    audit.yml:12:9: unknown key `acton` in a rule
       |
    12 |         acton: reject
       |         ^^^^^
       = did you mean `action`?

    6 errors; nothing was applied
    ");
}

#[test]
fn all_errors_are_told_at_once() {
    assert_snapshot!(errors("
version: 2
tables:
  flights: {}
  public.flights:
    rules:
      - range: { distance: { min: 5, max: 1 } }
        fix_within: soon
      - one_of: { origin: [] }
      - expression: a > b
      - not_null: tailnum
      - not_null: tailnum
summaries:
  Daily: { from: public.flight, measures: { flights: count, flights: count } }
alerts:
  late: { on: dialy, when: flights > 1, for: 10 parsecs }
channels:
  ops: { resend: { from: a@example.com, to: [], api_key: { env: KEY } } }
routes:
  - { to: [opps] }
"), @r"
audit.yml:2:10: this is version 2 of the policy language, and this program knows version 1
  |
2 | version: 2
  |          ^
  = a newer program may know it; expected `version: 1`

audit.yml:4:3: `flights` does not name a table with its schema
  |
4 |   flights: {}
  |   ^^^^^^^
  = expected `schema.table`, for example `public.flights`

audit.yml:7:28: nothing is at least 5 and at most 1
  |
7 |       - range: { distance: { min: 5, max: 1 } }
  |                            ^
  = `min` must not be greater than `max`

audit.yml:8:21: `soon` is not a length of time
  |
8 |         fix_within: soon
  |                     ^^^^
  = expected a length of time such as `10m`, `4h`, `7d` or `1 day`

audit.yml:9:27: `one_of` must not be empty
  |
9 |       - one_of: { origin: [] }
  |                           ^

audit.yml:10:9: an expression needs a `name`
   |
10 |       - expression: a > b
   |         ^^^^^^^^^^
   = findings and mails call the rule by it, for example `name: arrived_flights_departed`

audit.yml:12:19: the table has two rules named `not_null_tailnum`
   |
12 |       - not_null: tailnum
   |                   ^^^^^^^
   = the first one is in line 11; give one of them a `name` of its own

audit.yml:14:3: `Daily` cannot be the name of a summary
   |
14 |   Daily: { from: public.flight, measures: { flights: count, flights: count } }
   |   ^^^^^
   = expected lower-case letters, digits and `_`, at most 63, not beginning with a digit

audit.yml:14:18: unknown watched table `public.flight`
   |
14 |   Daily: { from: public.flight, measures: { flights: count, flights: count } }
   |                  ^^^^^^^^^^^^^
   = did you mean `public.flights`?

audit.yml:14:61: `flights` is given twice
   |
14 |   Daily: { from: public.flight, measures: { flights: count, flights: count } }
   |                                                             ^^^^^^^
   = the first one is in line 14

audit.yml:16:15: unknown summary `dialy`
   |
16 |   late: { on: dialy, when: flights > 1, for: 10 parsecs }
   |               ^^^^^
   = did you mean `Daily`?

audit.yml:16:46: `10 parsecs` is not a length of time
   |
16 |   late: { on: dialy, when: flights > 1, for: 10 parsecs }
   |                                              ^^^^^^^^^^
   = expected a length of time such as `10m`, `4h`, `7d` or `1 day`

audit.yml:18:45: `to` must not be empty
   |
18 |   ops: { resend: { from: a@example.com, to: [], api_key: { env: KEY } } }
   |                                             ^

audit.yml:20:12: unknown channel `opps`
   |
20 |   - { to: [opps] }
   |            ^^^^
   = did you mean `ops`?

14 errors; nothing was applied
");
}

#[test]
fn a_rule_without_a_kind_says_which_kinds_there_are() {
    assert_snapshot!(rule_errors("      - severity: critical\n"), @r"
audit.yml:5:9: the rule has no kind
  |
5 |       - severity: critical
  |         ^
  = expected `not_null`, `not_blank`, `one_of`, `not_one_of`, `range`, `length`, `matches`, `format`, `not_future`, `expression`, `references`, `unique`, `no_overlap`, `immutable`, `transition`, `max_change`, `writers`, `fresh`, `gap`, `row_count`, `volume`, `reconcile`, `sql` or `bounds`

1 error; nothing was applied
");
}

#[test]
fn a_rule_has_one_kind() {
    assert_snapshot!(rule_errors("      - not_null: a\n        not_blank: a\n"), @r"
    audit.yml:6:9: a rule has one kind, and this is `not_null` and `not_blank`
      |
    6 |         not_blank: a
      |         ^^^^^^^^^
      = begin a rule of its own with `- `

    1 error; nothing was applied
    ");
}

#[test]
fn two_rules_of_a_table_have_different_names() {
    assert_snapshot!(rule_errors("
      - { name: known, not_null: origin }
      - { name: known, not_null: dest }
"), @r"
audit.yml:7:17: the table has two rules named `known`
  |
7 |       - { name: known, not_null: dest }
  |                 ^^^^^
  = the first one is in line 6; give one of them a `name` of its own

1 error; nothing was applied
");
}

#[test]
fn what_is_not_built_yet_is_not_offered() {
    assert_snapshot!(errors("
version: 1
tables:
  public.flights:
    snapshot: true
    rules:
      - schema: strict
      - distribution: { a: b }
      - not_null: tailnum
summaries:
  worst: { from: public.flights, measures: { delay: { median: dep_delay } } }
channels:
  oncall: { teams: { routing_key: { env: KEY } } }
routes:
  - { to: oncall, cap: 3 }
"), @r"
audit.yml:5:5: `snapshot` is not supported yet
  |
5 |     snapshot: true
  |     ^^^^^^^^
  = take it out; nothing would check it

audit.yml:7:9: `schema` is not supported yet
  |
7 |       - schema: strict
  |         ^^^^^^
  = take it out; nothing would check it

audit.yml:8:9: `distribution` is not supported yet
  |
8 |       - distribution: { a: b }
  |         ^^^^^^^^^^^^
  = take it out; nothing would check it

audit.yml:11:55: `median` is not supported yet
   |
11 |   worst: { from: public.flights, measures: { delay: { median: dep_delay } } }
   |                                                       ^^^^^^
   = take it out; nothing would check it

audit.yml:13:13: `teams` is not supported yet
   |
13 |   oncall: { teams: { routing_key: { env: KEY } } }
   |             ^^^^^
   = take it out; nothing would check it

audit.yml:15:19: `cap` is not supported yet
   |
15 |   - { to: oncall, cap: 3 }
   |                   ^^^
   = take it out; nothing would check it

6 errors; nothing was applied
");
}

#[test]
fn a_sentence_names_only_what_the_alert_looks_at() {
    assert_snapshot!(errors(r#"
version: 1
tables: { public.flights: {} }
summaries:
  by_day: { from: public.flights, group_by: [origin], measures: { flights: count } }
alerts:
  many: { on: by_day, when: flights > 1, say: "{orign}: {flights}", severity: inherit }
"#), @r#"
audit.yml:7:47: unknown name in `say` `orign`
  |
7 |   many: { on: by_day, when: flights > 1, say: "{orign}: {flights}", severity: inherit }
  |                                               ^^^^^^^^^^^^^^^^^^^^
  = did you mean `origin`?

audit.yml:7:79: a summary has no severity to inherit
  |
7 |   many: { on: by_day, when: flights > 1, say: "{orign}: {flights}", severity: inherit }
  |                                                                               ^^^^^^^
  = expected `critical`, `important`, `normal` or `low`

2 errors; nothing was applied
"#);
}

#[test]
fn an_empty_file_is_an_error() {
    assert_snapshot!(errors(""), @r"
    audit.yml:1:1: the policy is empty
      |
    1 | 
      | ^
      = it begins with `version: 1`, then `tables:`

    1 error; nothing was applied
    ");
    assert_snapshot!(errors("# nothing here\n"), @r"
    audit.yml:1:1: the policy is empty
      |
    1 | # nothing here
      | ^
      = it begins with `version: 1`, then `tables:`

    1 error; nothing was applied
    ");
}

#[test]
fn a_text_that_is_not_yaml_is_an_error_with_its_place() {
    assert_snapshot!(errors("version: 1\ntables: [a, b\n"), @r"
    audit.yml:2:9: unclosed bracket '['
      |
    2 | tables: [a, b
      |         ^

    1 error; nothing was applied
    ");
    assert_snapshot!(errors("version: 1\n\ttables: {}\n"), @r"
    audit.yml:1:10: while scanning a plain scalar, found a tab
      |
    1 | version: 1
      |          ^

    1 error; nothing was applied
    ");
    assert_snapshot!(errors("version: 1\n---\nversion: 1\n"), @r"
    audit.yml:3:1: a policy is one YAML document, and here a second one begins
      |
    3 | version: 1
      | ^

    1 error; nothing was applied
    ");
    assert_snapshot!(errors("just a text"), @r"
    audit.yml:1:1: a policy must be a mapping, and this is a text
      |
    1 | just a text
      | ^^^^^^^^^^^
      = expected lines such as `key: value`

    1 error; nothing was applied
    ");
    assert_snapshot!(errors("- version: 1"), @r"
    audit.yml:1:1: a policy must be a mapping, and this is a list
      |
    1 | - version: 1
      | ^
      = expected lines such as `key: value`

    1 error; nothing was applied
    ");
}

#[test]
fn nesting_without_end_is_refused() {
    let deep = format!(
        "version: 1\ntables: {}{}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert_snapshot!(errors(&deep), @r"
    audit.yml:2:33: nested deeper than any policy needs to be
      |
    2 | tables: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
      |                                 ^

    1 error; nothing was applied
    ");
    let deep: String = (0..10_000)
        .map(|level| format!("{}a:\n", " ".repeat(level % 500)))
        .collect();
    assert_snapshot!(errors(&deep), @r"
    audit.yml:25:25: nested deeper than any policy needs to be
       |
    25 |                         a:
       |                         ^

    1 error; nothing was applied
    ");
}

#[test]
fn anchors_that_multiply_are_refused() {
    let mut bomb = "version: 1\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let previous = format!("*a{}", level - 1);
        bomb.push_str(&format!(
            "a{level}: &a{level} [{}]\n",
            [previous.as_str(); 10].join(", ")
        ));
    }
    let started = std::time::Instant::now();
    assert_snapshot!(errors(&bomb), @r"
    audit.yml:7:10: larger than any policy needs to be, after its anchors are followed
      |
    7 | a5: &a5 [*a4, *a4, *a4, *a4, *a4, *a4, *a4, *a4, *a4, *a4]
      |          ^^^

    1 error; nothing was applied
    ");
    assert!(started.elapsed().as_secs() < 10);
}

#[test]
fn an_anchor_may_be_used_for_what_is_said_twice() {
    let rules = rules(
        "
      - one_of: { origin: &ours [EWR, JFK, LGA] }
      - one_of: { dest: *ours }
",
    );
    assert_eq!(rules[1].kind.definition()["values"][1], "JFK");
}

#[test]
fn places_are_kept_for_what_only_the_database_can_tell() {
    use audit_core::policy::{Declared, Part};
    let policy = Policy::parse(
        "version: 1\ntables:\n  public.flights:\n    rules:\n      - range: { distance: { min: 1 }, aïr: { max: 2 } }\n",
        "audit.yml",
    )
    .unwrap();
    let problem = policy.problem(
        &Declared::Rule {
            table: "public.flights".to_owned(),
            rule: "range_aïr".to_owned(),
        },
        &Part::Column("aïr".to_owned()),
        "`public.flights` has no column `aïr`",
        Some("did you mean `air_time`?".to_owned()),
    );
    assert_snapshot!(problem, @r"
    audit.yml:5:40: `public.flights` has no column `aïr`
      |
    5 |       - range: { distance: { min: 1 }, aïr: { max: 2 } }
      |                                        ^^^
      = did you mean `air_time`?
    ");
}

#[test]
fn a_file_cannot_steer_the_terminal() {
    let text = errors("version: 1\n\"\\e[2J\u{85}\": 1\n");
    assert!(!text.contains(|character: char| character.is_control() && character != '\n'));
}

#[test]
fn a_route_behind_one_that_takes_everything_is_an_error() {
    assert_snapshot!(errors("
version: 1
channels: { disk: { file: { directory: mail } } }
routes:
  - { to: disk }
  - { severity: critical, to: disk }
"), @r"
    audit.yml:6:5: no alert comes to this route
      |
    6 |   - { severity: critical, to: disk }
      |     ^
      = the route in line 5 takes everything

    1 error; nothing was applied
    ");
}

/// A policy with a few characters put in, taken out or doubled.
fn damaged() -> impl Strategy<Value = String> {
    let text = include_str!("../../examples/flights/audit.yml");
    let damage = (
        any::<prop::sample::Index>(),
        0..40_usize,
        prop::sample::select(vec![
            "", " ", "\n", "\n  ", "\t", ":", "- ", "{", "}", "[", "]", "\"", "'", "&a ", "*a",
            "é", "!!int ", "~", "null", "1e999", "|", "<<: ", "? ", "#", "\0", "\u{feff}", "0x",
            "-",
        ]),
    );
    prop::collection::vec(damage, 1..6).prop_map(move |damages| {
        let mut characters: Vec<char> = text.chars().collect();
        for (place, length, inserted) in damages {
            let start = place.index(characters.len() + 1);
            let end = (start + length).min(characters.len());
            characters.splice(start..end, inserted.chars());
        }
        characters.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_file_holds_its_errors_have_their_places(text in damaged()) {
        if let Err(errors) = Policy::parse(&text, "audit.yml") {
            prop_assert!(!errors.problems.is_empty());
            for problem in &errors.problems {
                let at = problem.location.expect("every error of the reader has a place");
                prop_assert!(at.line >= 1 && at.column >= 1, "{:?}", problem);
                prop_assert!(at.line <= text.lines().count() + 1, "{:?}", problem);
            }
            prop_assert!(errors.to_string().contains("nothing was applied"));
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
        let _ = Policy::parse(&text, "audit.yml").map_err(|errors| errors.to_string());
    }
}

#[test]
fn a_quarantine_rule_may_hide_rows_if_it_is_about_one_row() {
    let policy = Policy::parse(
        "
version: 1
tables:
  public.flights:
    rules:
      - not_null: dest
        action: quarantine
        mode: hide
      - not_null: origin
        action: quarantine
",
        "audit.yml",
    )
    .unwrap();
    let modes: Vec<QuarantineMode> = policy.tables[0]
        .rules
        .iter()
        .map(|rule| rule.mode)
        .collect();
    assert_eq!(modes, [QuarantineMode::Hide, QuarantineMode::SetAside]);
    assert_snapshot!(errors("
version: 1
tables:
  public.flights:
    rules:
      - unique: [carrier, flight]
        action: quarantine
        mode: hide
      - not_null: dest
        mode: hide
      - not_null: origin
        action: quarantine
        mode: hidden
"), @r"
    audit.yml:8:15: a rule of the kind `unique` can not hide rows
      |
    8 |         mode: hide
      |               ^^^^
      = only rules about one row by itself can; leave `mode` out

    audit.yml:10:9: `mode` is about quarantine, and the action is flag
       |
    10 |         mode: hide
       |         ^^^^
       = write `action: quarantine`, or leave `mode` out

    audit.yml:13:15: unknown mode `hidden`
       |
    13 |         mode: hidden
       |               ^^^^^^
       = did you mean `hide`?

    3 errors; nothing was applied
    ");
}
