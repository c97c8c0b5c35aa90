//! Contracts of the Open Data Contract Standard, in and out.

use audit_core::export::{Contract, odcs as export};
use audit_core::import::{Options, Verdict, odcs};
use audit_core::{Policy, Severity};
use insta::assert_snapshot;
use proptest::prelude::*;

use crate::shared::{covers, is_a_policy, shown};

#[test]
fn everything_in_a_contract_has_a_verdict() {
    let imported = odcs(
        include_str!("files/shop_contract.yaml"),
        "contract.yaml",
        &Options::default(),
    )
    .unwrap();
    covers(
        &imported,
        &[
            "nullValues",
            "missingValues",
            "invalidValues",
            "duplicateValues",
            "rowCount",
            "sql",
            "text",
            "custom",
        ],
    );
    assert_snapshot!(shown(&imported));
}

#[test]
fn an_older_contract_is_read_as_well() {
    let imported = odcs(
        include_str!("files/old_contract.yaml"),
        "contract.yaml",
        &Options::default(),
    )
    .unwrap();
    is_a_policy(&imported);
    let table = &imported.tables[0];
    assert_eq!(
        (table.name.as_str(), table.owner.as_str()),
        ("shop.payments", "pay@example.com")
    );
    let rules: Vec<(&str, Severity)> = table
        .rules
        .iter()
        .map(|rule| (rule.name.as_str(), rule.severity))
        .collect();
    assert_eq!(
        rules,
        [
            ("not_null_id", Severity::Important),
            ("unique_id", Severity::Important),
            ("range_amount", Severity::Important),
            ("row_count", Severity::Normal),
            ("unique_id_amount", Severity::Normal),
        ]
    );
}

const EVERY_KIND: &str = r#"
version: 1
defaults: { owner: data@example.com }
tables:
  shop.orders:
    why: Money goes wrong when these are wrong.
    owner: orders@example.com
    rules:
      - not_null: [id, status]
      - not_null: region
        mostly: 0.95
        severity: low
      - not_blank: status
        action: reject
        severity: critical
      - one_of: { status: [placed, "it's; shipped", 3] }
        why: Nothing else is known.
        severity: important
      - not_one_of: { region: [XX] }
        nulls: fail
      - range: { amount: { min: 0, max: "10000.000000000000000001" } }
        action: quarantine
        mode: hide
        fix_within: 2h
      - length: { code: { max: 6 } }
        shadow: true
      - matches: { code: '^[A-Z]\d+$' }
        owner: codes@example.com
      - format: { email: email }
      - not_future: { placed_at: { tolerance: 5m } }
      - name: paid_first
        expression: paid_at <= shipped_at
        where: status = 'shipped'
        on_error: block
      - references: { customer: public.customers."The Id" }
      - unique: id
        severity: critical
      - unique: [tenant, number]
      - no_overlap: { columns: [room], from: starts_at, to: ends_at }
      - immutable: [customer]
        where: old.status = 'closed'
      - transition: { status: { new: [open, cancelled], open: closed, closed: [] } }
      - max_change: { amount: { absolute: 100, relative: 0.5 } }
      - writers: { roles: [etl], applications: [billing] }
      - fresh: { within: 2h, during: "05:00-23:00 America/New_York", column: placed_at }
        every: 10m
      - gap: { column: placed_at, width: 1h, over: 2 days, until: now, group_by: [region] }
      - row_count: { per: 1 day, min: 800, max: 1200, column: placed_at, time_zone: Europe/London }
      - volume: { per: 1h, direction: drop }
      - reconcile: { sum: { amount: shop.ledger.total }, tolerance: 0.01, group_by: [region] }
      - name: no_orphans
        sql: |
          select id
          from shop.orders
          where id is null
        on_no_data: pass
      - bounds: { on: totals, value: orders, min: 1, bucket: complete }
  shop.watched_only:
summaries:
  totals:
    from: shop.orders
    bucket: { column: placed_at, width: 1 day, time_zone: Europe/London }
    group_by: [region]
    measures: { orders: count, worst: { max: amount } }
  others:
    from: shop.orders
    measures: { orders: count }
"#;

#[test]
fn every_kind_of_rule_is_in_the_contract_and_comes_back() {
    let policy = Policy::parse(EVERY_KIND, "audit.yml").unwrap_or_else(|errors| panic!("{errors}"));
    let exported = export(&policy, &Contract::default());
    assert_eq!(
        exported.notes,
        ["1 summary that no rule looks at is not in the contract, which is about data only"]
    );
    assert_eq!(exported.rules, policy.tables[0].rules.len());
    let imported = odcs(&exported.text, "contract.yaml", &Options::default()).unwrap();
    let by_name = |rules: &[audit_core::Rule]| {
        let mut rules = rules.to_vec();
        rules.sort_by(|left, right| left.name.cmp(&right.name));
        rules
    };
    assert_eq!(
        by_name(&imported.tables[0].rules),
        by_name(&policy.tables[0].rules)
    );
    assert_eq!(imported.summaries, policy.summaries[..1]);
    assert_eq!(imported.count(Verdict::NotPossible), 0);
    is_a_policy(&imported);
    assert_snapshot!(exported.text);
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z][a-z0-9_]{0,8}", "[A-Za-z ;'\"é]{1,6}x"]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,20}[a-z]", "[a-zà-ÿ'\";:#{}%-]{1,12}"]
}

/// A rule in JSON, which is YAML.
fn rule() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::json;
    let kind = prop_oneof![
        name().prop_map(|column| json!({ "not_null": column })),
        (name(), prop::collection::vec(text(), 1..4)).prop_map(|(column, values)| json!({ "one_of": { column: values } })),
        (name(), text()).prop_map(|(column, pattern)| json!({ "matches": { column: pattern } })),
        (name(), -1_000_i64..1_000, 0_i64..1_000).prop_map(|(column, min, more)| json!({ "range": { column: { "min": min, "max": min + more } } })),
        (name(), 0_u32..40).prop_map(|(column, max)| json!({ "length": { column: { "max": max } } })),
        prop::collection::hash_set(name(), 1..4).prop_map(|columns| json!({ "unique": columns.into_iter().collect::<Vec<_>>() })),
        (name(), name()).prop_map(|(column, key)| json!({ "references": { column: format!("s.t.\"{}\"", key.replace('"', "\"\"")) } })),
        text().prop_map(|condition| json!({ "expression": condition })),
        name().prop_map(|column| json!({ "fresh": { "within": "2h", "column": column } })),
        text().prop_map(|query| json!({ "sql": query })),
    ];
    let severity = prop::sample::select(vec!["critical", "important", "normal", "low"]);
    let more = prop_oneof![
        Just(json!({})),
        (1_u32..1_000).prop_map(|share| json!({ "mostly": f64::from(share) / 1000.0 })),
        text().prop_map(|why| json!({ "why": why })),
        Just(json!({ "shadow": true })),
    ];
    (kind, severity, more, any::<bool>()).prop_map(|(mut rule, severity, more, named)| {
        let time_driven = ["fresh", "sql"].iter().any(|kind| rule.get(kind).is_some());
        rule["severity"] = json!(severity);
        for (key, value) in more.as_object().into_iter().flatten() {
            if !(time_driven && key == "mostly") {
                rule[key] = value.clone();
            }
        }
        if named || rule.get("expression").is_some() || rule.get("sql").is_some() {
            rule["name"] = json!("a_rule");
        }
        rule
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn what_a_contract_says_comes_back_as_it_was(rules in prop::collection::vec(rule(), 1..6)) {
        let mut rules = rules;
        for (place, rule) in rules.iter_mut().enumerate() {
            if rule.get("name").is_some() {
                rule["name"] = serde_json::json!(format!("rule_{place}"));
            }
        }
        let policy = serde_json::json!({ "version": 1, "tables": { "public.orders": { "owner": "x", "rules": rules } } });
        // Two rules of one name, and some texts, are refused by the reader of policies itself.
        if let Ok(policy) = Policy::parse(&policy.to_string(), "audit.yml") {
            let exported = export(&policy, &Contract::default());
            prop_assert_eq!(&exported.notes, &Vec::<String>::new(), "{}", exported.text);
            prop_assert_eq!(exported.rules, policy.tables[0].rules.len());
        }
    }
}
