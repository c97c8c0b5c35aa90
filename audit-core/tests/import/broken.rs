//! Files that are broken, hostile or something else.

use audit_core::Error;
use audit_core::import::{Imported, Options, dbt, gx, odcs, sodacl};
use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::shared::is_a_policy;

type Importer = fn(&str, &str, &Options) -> Result<Imported, Error>;

const IMPORTERS: [Importer; 4] = [dbt, gx, odcs, sodacl];

fn said(importer: Importer, text: &str) -> String {
    importer(text, "file", &Options::default())
        .unwrap_err()
        .to_string()
}

#[test]
fn what_is_no_such_file_is_said_with_its_place() {
    assert_snapshot!(said(dbt, "models:\n  - name: [a\n"));
    assert_snapshot!(said(dbt, "a: 1\n"));
    assert_snapshot!(said(dbt, "{\n  \"nodes\": {,}\n}"));
    assert_snapshot!(said(dbt, "{ \"a\": 1 }"));
    assert_snapshot!(said(gx, "{ \"name\": \"x\" }"));
    assert_snapshot!(said(odcs, "kind: DataContract\napiVersion: v2.2.2\n"));
    assert_snapshot!(said(odcs, "a: 1\n---\nb: 2\n"));
    assert_snapshot!(said(sodacl, "dataset: a/b/c\ncolumns: []\n"));
    assert_snapshot!(said(sodacl, "checks: [row_count > 0]\n"));
}

#[test]
fn files_that_would_fill_the_memory_are_refused() {
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (from, to) in "abcdefgh".chars().zip("bcdefghi".chars()) {
        bomb += &format!(
            "{to}: &{to} [*{from}, *{from}, *{from}, *{from}, *{from}, *{from}, *{from}, *{from}, *{from}]\n"
        );
    }
    let deep = format!("models: {}", "[".repeat(100_000));
    let deep_json = format!("{{\"nodes\": {}", "[".repeat(100_000));
    for importer in IMPORTERS {
        for text in [&bomb, &deep, &deep_json] {
            assert!(importer(text, "file", &Options::default()).is_err());
        }
    }
}

#[test]
fn texts_that_steer_a_terminal_or_end_a_comment_do_no_harm() {
    let hostile = "x\u{1b}[2J\n      - not_null: y\u{2028}\u{0}\u{feff}#: &*";
    let suite = json!({ "name": hostile, "expectations": [
        { "type": hostile, "kwargs": { "column": hostile } },
        { "type": "expect_column_values_to_not_be_null", "kwargs": { "column": hostile }, "description": hostile },
        { "type": "expect_column_values_to_be_in_set", "kwargs": { "column": "a", "value_set": [hostile.replace('\u{0}', "")] } },
    ] });
    let imported = gx(&suite.to_string(), "suite\u{1b}.json", &Options::default()).unwrap();
    is_a_policy(&imported);
    let shown = format!(
        "{}{}",
        imported.fragment(),
        imported
            .coverage
            .iter()
            .map(ToString::to_string)
            .collect::<String>()
    );
    assert!(
        shown
            .chars()
            .all(|character| character == '\n' || !character.is_control()),
        "{shown}"
    );
    assert_eq!(imported.tables[0].rules.len(), 1);
}

/// The words that importers look for, so that arbitrary trees get somewhere.
fn word() -> impl Strategy<Value = String> {
    let words = [
        "models",
        "sources",
        "tables",
        "columns",
        "name",
        "tests",
        "data_tests",
        "arguments",
        "config",
        "where",
        "severity",
        "error_if",
        "unique",
        "not_null",
        "accepted_values",
        "relationships",
        "to",
        "field",
        "values",
        "dbt_utils.recency",
        "datepart",
        "interval",
        "nodes",
        "metadata",
        "resource_type",
        "test",
        "model",
        "schema",
        "alias",
        "test_metadata",
        "kwargs",
        "attached_node",
        "expectations",
        "type",
        "expect_column_values_to_be_between",
        "column",
        "min_value",
        "mostly",
        "row_condition",
        "quantile_ranges",
        "kind",
        "DataContract",
        "apiVersion",
        "v3.1.0",
        "properties",
        "quality",
        "metric",
        "nullValues",
        "mustBe",
        "unit",
        "percent",
        "slaProperties",
        "property",
        "latency",
        "value",
        "element",
        "customProperties",
        "auditRule",
        "auditSummaries",
        "logicalTypeOptions",
        "checks for orders",
        "checks for o [d]",
        "for each dataset T",
        "row_count > 0",
        "missing_count(a) < 5",
        "freshness(a) < 1d",
        "failed rows",
        "schema",
        "fail",
        "warn",
        "when > 10",
        "valid regex",
        "[a-z",
        "col(\"a\") == 1",
        "a in ['b'",
        "freshness",
        "meta",
    ];
    prop_oneof![4 => prop::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => ".{0,12}"]
}

fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        3 => word().prop_map(Value::String),
        1 => any::<i64>().prop_map(|number| json!(number)),
        1 => any::<f64>().prop_map(|number| json!(number)),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::vec((word(), inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Trees in the places where each importer looks first.
fn document() -> impl Strategy<Value = Value> {
    (tree(), tree(), tree()).prop_map(|(a, b, c)| {
        json!({
            "kind": "DataContract", "apiVersion": "v3.0.0",
            "models": [{ "name": "orders", "data_tests": [a.clone(), b.clone()], "columns": [{ "name": "id", "tests": [c.clone()] }] }],
            "sources": a.clone(), "nodes": { "model.a": { "resource_type": "model", "name": "a", "schema": "s" },
                "test.b": { "resource_type": "test", "name": "b", "attached_node": "model.a", "test_metadata": b.clone(), "config": c.clone() } },
            "expectations": [a.clone(), { "type": "expect_column_values_to_not_be_null", "kwargs": b.clone() }],
            "schema": [{ "name": "orders", "properties": [{ "name": "id", "quality": [a.clone(), b.clone()] }, c.clone()], "quality": [c.clone()] }],
            "slaProperties": [b.clone()], "customProperties": [a.clone()],
            "checks for orders": [a, { "schema": b.clone() }, { "invalid_count(a) = 0": c }, { "failed rows": b }],
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn any_document_gives_a_policy_or_an_error(document in document()) {
        let text = document.to_string();
        for importer in IMPORTERS {
            if let Ok(imported) = importer(&text, "file", &Options::default()) {
                is_a_policy(&imported);
            }
            // The same as YAML: a comment makes it that.
            if let Ok(imported) = importer(&format!("# yaml\n{text}"), "file", &Options::default()) {
                is_a_policy(&imported);
            }
        }
    }

    #[test]
    fn any_text_gives_a_policy_or_an_error(text in "\\PC{0,200}|(checks for a:\n( *- ?[a-z_ ()<>=%0-9:\\[\\]{}'\"]{0,40}\n){0,6})") {
        for importer in IMPORTERS {
            if let Ok(imported) = importer(&text, "file", &Options::default()) {
                is_a_policy(&imported);
            }
        }
    }
}
