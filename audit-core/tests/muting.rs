//! What keeps alerts from being told: silences, and alerts that explain others.

use audit_core::Severity;
use audit_core::alert::{Matchers, Observation, Standing, inhibitors};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn seen() -> Observation {
    Observation {
        policy: "cancellations".to_owned(),
        fingerprint: String::new(),
        holds: true,
        lingers: false,
        muted: None,
        severity: Severity::Critical,
        title: String::new(),
        group: object(json!({ "origin": "EWR", "gate": 12 })),
        observed: Map::new(),
        table: Some("public.flights".to_owned()),
        rule: None,
        owner: "ops@example.com".to_owned(),
    }
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn matchers(value: Value) -> Matchers {
    serde_json::from_value(value).unwrap()
}

#[test]
fn a_silence_is_for_alerts_of_which_all_that_it_says_is_true() {
    for (said, is_meant) in [
        (json!({ "policy": ["cancellations"] }), true),
        (json!({ "policy": ["late", "cancellations"] }), true),
        (json!({ "policy": ["late"] }), false),
        (
            json!({ "table": ["public.flights"], "severity": ["critical"] }),
            true,
        ),
        (
            json!({ "table": ["public.flights"], "severity": ["low"] }),
            false,
        ),
        (json!({ "owner": ["ops@example.com"] }), true),
        (json!({ "rule": ["not_null_tailnum"] }), false),
        (json!({ "group": { "origin": "EWR" } }), true),
        (json!({ "group": { "origin": "EWR", "gate": "12" } }), true),
        (json!({ "group": { "origin": "JFK" } }), false),
        (json!({ "group": { "carrier": "UA" } }), false),
    ] {
        assert_eq!(matchers(said.clone()).matches(&seen()), is_meant, "{said}");
    }
}

#[test]
fn the_pipeline_is_silenced_by_its_name_only() {
    let own = Observation {
        policy: "pipeline".to_owned(),
        ..seen()
    };
    assert!(!matchers(json!({ "severity": ["critical"] })).matches(&own));
    assert!(matchers(json!({ "policy": ["pipeline"] })).matches(&own));
}

#[test]
fn a_matcher_that_is_not_known_is_refused() {
    assert!(serde_json::from_value::<Matchers>(json!({ "tabel": ["public.flights"] })).is_err());
}

/// An alert that fires, with what inhibits it.
struct Alert {
    policy: &'static str,
    table: Option<&'static str>,
    generic: bool,
    group: Map<String, Value>,
    inhibited_by: Vec<String>,
    parents: Vec<String>,
}

fn alert(policy: &'static str, inhibited_by: &[&str]) -> Alert {
    Alert {
        policy,
        table: None,
        generic: false,
        group: Map::new(),
        inhibited_by: inhibited_by.iter().map(|&name| name.to_owned()).collect(),
        parents: Vec::new(),
    }
}

fn inhibited(alerts: &[Alert]) -> Vec<Option<usize>> {
    let standing: Vec<Standing<'_>> = alerts
        .iter()
        .map(|alert| Standing {
            policy: alert.policy,
            table: alert.table,
            one_of_many_tables: alert.generic,
            group: &alert.group,
            inhibited_by: &alert.inhibited_by,
            parents: &alert.parents,
        })
        .collect();
    inhibitors(&standing)
}

#[test]
fn an_alert_is_inhibited_by_one_about_the_same_group() {
    let about = |policy, by: &[&str], origin: &str| Alert {
        group: object(json!({ "origin": origin })),
        ..alert(policy, by)
    };
    assert_eq!(
        inhibited(&[
            about("late", &["closed"], "EWR"),
            about("late", &["closed"], "JFK"),
            about("closed", &[], "EWR"),
        ]),
        [Some(2), None, None]
    );
}

#[test]
fn a_table_is_explained_by_the_tables_that_it_refers_to() {
    let about = |table, parents: &[&str]| Alert {
        table: Some(table),
        generic: true,
        parents: parents.iter().map(|&name| name.to_owned()).collect(),
        ..alert("bad_rows", &["parents"])
    };
    assert_eq!(
        inhibited(&[
            about("public.flights", &["public.airports", "public.airlines"]),
            about("public.airports", &[]),
            about("public.weather", &["public.stations"]),
        ]),
        [Some(1), None, None]
    );
}

#[test]
fn of_policies_that_look_at_all_tables_one_explains_the_other_for_the_same_table() {
    let about = |policy, by: &[&str], table| Alert {
        table: Some(table),
        generic: true,
        ..alert(policy, by)
    };
    assert_eq!(
        inhibited(&[
            about("bad_rows", &["stale"], "public.flights"),
            about("bad_rows", &["stale"], "public.weather"),
            about("stale", &[], "public.weather"),
        ]),
        [None, Some(2), None]
    );
}

#[test]
fn what_is_inhibited_explains_others_all_the_same() {
    assert_eq!(
        inhibited(&[alert("c", &["b"]), alert("b", &["a"]), alert("a", &[])]),
        [Some(1), Some(2), None]
    );
}

#[test]
fn alerts_that_would_inhibit_each_other_are_told() {
    assert_eq!(
        inhibited(&[alert("a", &["b"]), alert("b", &["c"]), alert("c", &["a"])]),
        [None, None, None]
    );
}

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_inhibited_alert_is_explained_by_one_that_is_told(
        by in prop::collection::vec(prop::collection::vec(prop::sample::select(NAMES.to_vec()), 0..3), 6)
    ) {
        let alerts: Vec<Alert> = NAMES.iter().zip(&by).map(|(name, by)| alert(name, by)).collect();
        let inhibited = inhibited(&alerts);
        for mut place in 0..alerts.len() {
            let mut steps = 0;
            while let Some(parent) = inhibited[place] {
                place = parent;
                steps += 1;
                prop_assert!(steps <= alerts.len(), "the explanations go in a circle: {inhibited:?}");
            }
        }
    }
}
