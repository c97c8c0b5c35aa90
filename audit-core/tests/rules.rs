//! Rules in the policy file: every kind and attribute, and what a person reads about one that is wrong.

use audit_core::{Action, Format, Policy, Rule, RuleKind};
use insta::assert_snapshot;

const TABLE: &str = "version: 1\ntables:\n  public.flights:\n    rules:\n";

fn rules(text: &str) -> Vec<Rule> {
    match Policy::parse(&format!("{TABLE}{text}"), "audit.yml") {
        Ok(policy) => policy.tables.into_iter().next().unwrap().rules,
        Err(errors) => panic!("{errors}"),
    }
}

fn errors(text: &str) -> String {
    match Policy::parse(&format!("{TABLE}{text}"), "audit.yml") {
        Ok(policy) => panic!("the policy was accepted: {policy:#?}"),
        Err(errors) => errors.to_string(),
    }
}

#[test]
fn rules_about_changes_and_about_time_are_read() {
    let rules = rules(
        "
      - immutable: [carrier, flight]
      - transition: { status: { new: [open, cancelled], open: closed, closed: [] } }
      - max_change: { distance: { relative: 0.1 }, air_time: { absolute: 60, relative: 1 } }
      - writers: { roles: [etl, ops], applications: timetable }
      - no_overlap: { columns: [gate], from: dep_time, to: arr_time }
      - { name: alone, no_overlap: { from: dep_time, to: arr_time } }
",
    );
    let shown: Vec<String> = rules
        .iter()
        .map(|rule| {
            format!(
                "{}: {}\n    {}",
                rule.name,
                rule.kind,
                rule.kind.definition()
            )
        })
        .collect();
    assert_snapshot!(shown.join("\n"), @r#"
immutable_carrier: carrier does not change
    {"column":"carrier"}
immutable_flight: flight does not change
    {"column":"flight"}
transition_status: status changes only from closed to nothing; new to open, cancelled; open to closed
    {"allowed":{"closed":[],"new":["open","cancelled"],"open":["closed"]},"column":"status"}
max_change_distance: distance changes by at most 0.1 of what it was
    {"column":"distance","relative":0.1}
max_change_air_time: air_time changes by at most 60 and 1 of what it was
    {"absolute":60,"column":"air_time","relative":1}
writers: only role etl or ops with application timetable writes
    {"applications":["timetable"],"roles":["etl","ops"]}
no_overlap_gate_dep_time_arr_time: no two rows of one gate overlap from dep_time to arr_time
    {"columns":["gate"],"from":"dep_time","to":"arr_time"}
alone: no two rows overlap from dep_time to arr_time
    {"from":"dep_time","to":"arr_time"}
"#);
    for rule in &rules {
        let read = RuleKind::from_definition(rule.kind.name(), rule.kind.definition()).unwrap();
        assert_eq!(read, rule.kind);
    }
}

#[test]
fn a_rule_may_be_kept_mostly_and_may_be_a_shadow() {
    let rules = rules(
        "
      - { not_null: tailnum, mostly: 0.95 }
      - { not_null: dest, shadow: true, action: reject }
      - { not_null: origin, shadow: false }
",
    );
    let said: Vec<_> = rules
        .iter()
        .map(|rule| (rule.mostly, rule.shadow, rule.action))
        .collect();
    assert_eq!(
        said,
        [
            (Some(0.95), false, Action::Flag),
            (None, true, Action::Reject),
            (None, false, Action::Flag)
        ]
    );
}

#[test]
fn every_format_has_a_word_that_is_read_back() {
    for format in Format::ALL {
        let rules = rules(&format!(
            "      - format: {{ tailnum: {} }}\n",
            format.name()
        ));
        let kind = RuleKind::Format {
            column: "tailnum".to_owned(),
            format,
        };
        assert_eq!(rules[0].kind, kind);
        assert_eq!(
            RuleKind::from_definition("format", kind.definition()).unwrap(),
            kind
        );
    }
    assert!(
        RuleKind::from_definition(
            "format",
            serde_json::json!({ "column": "tailnum", "format": "zodiac" })
        )
        .is_err()
    );
}

#[test]
fn wrong_options_are_told_with_their_places() {
    assert_snapshot!(errors(
        "
      - transition: { status: {} }
      - transition: { status: { new: { to: open } } }
      - max_change: { distance: {} }
      - max_change: { distance: { absolute: -1, relative: much } }
      - writers: {}
      - writers: { rolls: [etl] }
      - no_overlap: { columns: [gate], from: dep_time }
      - { not_null: tailnum, mostly: 95 }
      - { not_null: dest, mostly: 0.9, action: reject }
      - { immutable: carrier, mostly: 0.9 }
      - { not_null: origin, shadow: sometimes }
"
    ), @r"
audit.yml:6:31: the changes of `status` must not be empty
  |
6 |       - transition: { status: {} }
  |                               ^
  = a column that never changes is `immutable`

audit.yml:7:38: expected a number or a text, and this is a mapping
  |
7 |       - transition: { status: { new: { to: open } } }
  |                                      ^

audit.yml:8:33: `max_change` needs a bound
  |
8 |       - max_change: { distance: {} }
  |                                 ^
  = expected `{ absolute: … }`, `{ relative: … }` or both

audit.yml:9:45: `absolute` must be a number above 0
  |
9 |       - max_change: { distance: { absolute: -1, relative: much } }
  |                                             ^^

audit.yml:9:59: `relative` must be a number above 0
  |
9 |       - max_change: { distance: { absolute: -1, relative: much } }
  |                                                           ^^^^

audit.yml:10:18: `writers` names nobody
   |
10 |       - writers: {}
   |                  ^
   = expected `{ roles: [ … ] }`, `{ applications: [ … ] }` or both

audit.yml:11:18: `writers` names nobody
   |
11 |       - writers: { rolls: [etl] }
   |                  ^
   = expected `{ roles: [ … ] }`, `{ applications: [ … ] }` or both

audit.yml:11:20: unknown key `rolls` in `writers`
   |
11 |       - writers: { rolls: [etl] }
   |                    ^^^^^
   = did you mean `roles`?

audit.yml:12:9: `no_overlap` needs `to`
   |
12 |       - no_overlap: { columns: [gate], from: dep_time }
   |         ^^^^^^^^^^

audit.yml:13:38: `mostly` is the share of rows that has to pass
   |
13 |       - { not_null: tailnum, mostly: 95 }
   |                                      ^^
   = expected a number above 0 and below 1, for example `mostly: 0.95`

audit.yml:14:27: `mostly` does not go with `action: reject`
   |
14 |       - { not_null: dest, mostly: 0.9, action: reject }
   |                           ^^^^^^
   = a row is acted on by itself, whatever the others are; leave one of the two out

audit.yml:15:31: `mostly` does not go with `immutable`
   |
15 |       - { immutable: carrier, mostly: 0.9 }
   |                               ^^^^^^
   = the rule is about changes, of which no share of the rows can be told

audit.yml:16:37: `shadow` must be `true` or `false`, and this is a text
   |
16 |       - { not_null: origin, shadow: sometimes }
   |                                     ^^^^^^^^^

13 errors; nothing was applied
");
}

/// The examples of the guide: its blocks, and the second column of its tables of kinds.
#[test]
fn the_examples_of_the_guide_are_accepted() {
    let guide = include_str!("../../docs/guide/rules.md");
    let blocks: Vec<&str> = guide
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert_eq!(blocks.len(), 3);
    Policy::parse(blocks[0], "audit.yml").unwrap_or_else(|errors| panic!("{errors}"));
    for block in &blocks[1..] {
        rules(block);
    }
    let examples: Vec<&str> = guide
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split("` | `").nth(1))
        .filter_map(|rest| rest.split("` |").next())
        .filter(|example| {
            let kind = example.split(": ").next();
            RuleKind::NAMES.into_iter().any(|name| Some(name) == kind)
        })
        .collect();
    assert_eq!(examples.len(), 17);
    for example in examples {
        let name = if example.starts_with("expression") {
            "        name: named\n"
        } else {
            ""
        };
        rules(&format!("      - {example}\n{name}"));
    }
    let missing: Vec<&str> = RuleKind::NAMES
        .into_iter()
        .chain(Format::ALL.map(Format::name))
        .filter(|name| !guide.contains(&format!("`{name}`")) && *name != "writers")
        .collect();
    assert_eq!(missing, [""; 0]);
}
