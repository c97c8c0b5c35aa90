//! Whatever rows come, every rule of every row kind finds what an oracle written here says, as does a scan.
#![cfg(feature = "embedded")]

mod shared;

use proptest::prelude::*;
use shared::{orders, run, show, wrong};

#[derive(Clone, Debug)]
struct Row {
    region: Option<&'static str>,
    amount: Option<i32>,
}

/// A kind, its definition, and what it says about a row: whether it passes, or nothing because of a null.
type Oracle = (&'static str, &'static str, fn(&Row) -> Option<bool>);

const ORACLES: &[Oracle] = &[
    ("not_null", r#"{"column": "region"}"#, |row| {
        Some(row.region.is_some())
    }),
    ("not_blank", r#"{"column": "region"}"#, |row| {
        row.region.map(|text| !text.trim().is_empty())
    }),
    (
        "one_of",
        r#"{"column": "region", "values": ["EU", "x@y.z"]}"#,
        |row| row.region.map(|text| ["EU", "x@y.z"].contains(&text)),
    ),
    (
        "not_one_of",
        r#"{"column": "amount", "values": [0, 3]}"#,
        |row| row.amount.map(|amount| ![0, 3].contains(&amount)),
    ),
    (
        "range",
        r#"{"column": "amount", "min": -1, "max": 2}"#,
        |row| row.amount.map(|amount| (-1..=2).contains(&amount)),
    ),
    (
        "length",
        r#"{"column": "region", "min": 1, "max": 2}"#,
        |row| {
            row.region
                .map(|text| (1..=2).contains(&text.chars().count()))
        },
    ),
    (
        "matches",
        r#"{"column": "region", "pattern": "^[A-Z]+$"}"#,
        |row| {
            row.region.map(|text| {
                !text.is_empty() && text.chars().all(|letter| letter.is_ascii_uppercase())
            })
        },
    ),
    (
        "format",
        r#"{"column": "region", "format": "email"}"#,
        |row| row.region.map(|text| text == "x@y.z"),
    ),
    (
        "expression",
        r#"{"expression": "amount > 0 or region = 'EU'"}"#,
        |row| match (
            row.amount.map(|amount| amount > 0),
            row.region.map(|text| text == "EU"),
        ) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
    ),
];

fn row() -> impl Strategy<Value = Row> {
    let region = prop::sample::select(vec![
        None,
        Some(""),
        Some(" "),
        Some("EU"),
        Some("eu☃"),
        Some("x@y.z"),
    ]);
    (region, prop::option::weighted(0.8, -3..5_i32))
        .prop_map(|(region, amount)| Row { region, amount })
}

fn values(rows: &[Row]) -> String {
    let rows: Vec<String> = rows
        .iter()
        .enumerate()
        .map(|(id, row)| {
            let region = row
                .region
                .map_or("null".to_owned(), |text| format!("'{text}'"));
            let amount = row
                .amount
                .map_or("null".to_owned(), |amount| amount.to_string());
            format!("({id}, {region}, {amount})")
        })
        .collect();
    format!("(values {}) v (id, region, amount)", rows.join(", "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn findings_count_what_the_oracle_counts(
        before in prop::collection::vec(row(), 1..12),
        after in prop::collection::vec(row(), 12),
        nulls_fail in any::<bool>(),
        conditional in any::<bool>(),
    ) {
        let (_database, mut db) = orders();
        let nulls = if nulls_fail { "fail" } else { "pass" };
        let condition = if conditional { ", condition => 'amount <> 2'" } else { "" };
        for (kind, definition, _) in ORACLES {
            run(&mut db, &format!("select audit.declare_rule('orders', '{kind}', '{kind}', '{}', nulls => '{nulls}'{condition})", definition.replace('\'', "''")));
        }
        run(&mut db, "select audit.compile('orders')");
        let after = &after[..before.len()];
        run(&mut db, &format!("insert into orders select id, region::text, amount::numeric from {}", values(&before)));
        run(&mut db, &format!("update orders o set region = v.region::text, amount = v.amount::numeric from {} where v.id = o.id", values(after)));

        for (kind, _, passes) in ORACLES {
            let count = |rows: &[Row]| {
                let applies = |row: &&Row| !conditional || row.amount.is_some_and(|amount| amount != 2);
                rows.iter().filter(applies).filter(|row| !passes(row).unwrap_or(!nulls_fail)).count()
            };
            let (was, is) = (count(&before), count(after));
            let found = show(&mut db, &format!(
                "select coalesce(sum(new_failed) filter (where op = 'I'), 0), coalesce(sum(old_failed) filter (where op = 'U'), 0), coalesce(sum(new_failed) filter (where op = 'U'), 0),
                    (select failing from audit.rule_counter c join audit.rule r using (rule_id) where r.name = '{kind}')
                from audit.finding f join audit.rule r using (rule_id) where r.name = '{kind}'"
            ));
            prop_assert_eq!(found, format!("({was},{was},{is},{is})"), "{} nulls {}", kind, nulls);
        }
        prop_assert_eq!(wrong(&mut db), "");
    }
}
