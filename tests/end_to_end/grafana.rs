//! The dashboards for Grafana: each of their queries runs on the demo's database with the rights of a reader, and says
//! what SQL says. That Grafana takes the files themselves is checked by `make grafana-check`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{number, texts};

const QUALITY: &str = include_str!("../../examples/grafana/dashboards/data-quality.json");
const PIPELINE: &str = include_str!("../../examples/grafana/dashboards/audit-pipeline.json");
const SOURCE: &str = include_str!("../../examples/grafana/provisioning/datasources/audit.yml");

fn dashboards() -> [Value; 2] {
    [QUALITY, PIPELINE].map(|text| serde_json::from_str(text).expect("a dashboard is JSON"))
}

fn list<'v>(value: &'v Value, path: &str) -> &'v Vec<Value> {
    value.pointer(path).and_then(Value::as_array).expect(path)
}

fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    value.pointer(path).and_then(Value::as_str).expect(path)
}

/// What stands for a macro with one argument.
fn expand(query: &str, name: &str, stands_for: impl Fn(&str) -> String) -> String {
    let mut parts = query.split(name);
    let mut expanded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (argument, rest) = part
            .strip_prefix('(')
            .and_then(|part| part.split_once(')'))
            .expect(name);
        expanded += &stands_for(argument);
        expanded += rest;
    }
    expanded
}

/// A query as Grafana sends it, with every value of every variable chosen, for the time of the demo.
fn as_sent(query: &str, dashboard: &Value) -> String {
    let mut sent = expand(query, "$__timeGroupAlias", |argument| {
        let (column, width) = argument.split_once(", ").expect("a column and a width");
        assert_eq!(width, "$__interval", "{query}");
        format!("floor(extract(epoch from {column}) / 3600) * 3600 as \"time\"")
    });
    sent = expand(&sent, "$__timeFilter", |column| {
        format!("{column} between '2012-12-01T00:00:00Z' and '2100-01-01T00:00:00Z'")
    });
    sent = expand(&sent, "$__timeFrom", |_| {
        "'2012-12-01T00:00:00Z'".to_owned()
    });
    sent = expand(&sent, "$__timeTo", |_| "'2100-01-01T00:00:00Z'".to_owned());
    for variable in list(dashboard, "/templating/list") {
        let chosen: Vec<String> = texts(text(variable, "/query"))
            .iter()
            .map(|value| format!("'{}'", value.replace('\'', "''")))
            .collect();
        assert!(!chosen.is_empty(), "{variable}");
        sent = sent.replace(&format!("${}", text(variable, "/name")), &chosen.join(","));
    }
    assert!(!sent.contains('$'), "{sent}");
    sent
}

/// The rows that a query gives to a role that may only read.
fn rows(query: &str, dashboard: &Value) -> Vec<Value> {
    let sent = as_sent(query, dashboard);
    texts(&format!("select row_to_json(asked) from ({sent}) as asked"))
        .iter()
        .map(|row| serde_json::from_str(row).expect("a row"))
        .collect()
}

fn panel<'d>(dashboard: &'d Value, title: &str) -> &'d Value {
    list(dashboard, "/panels")
        .iter()
        .find(|panel| text(panel, "/title") == title)
        .expect(title)
}

fn tile(dashboard: &Value, title: &str) -> i64 {
    let rows = rows(
        text(panel(dashboard, title), "/targets/0/rawSql"),
        dashboard,
    );
    assert_eq!(rows.len(), 1, "{title}");
    let values: Vec<&Value> = rows[0].as_object().expect("a row").values().collect();
    assert_eq!(values.len(), 1, "{title}");
    values[0].as_i64().expect(title)
}

#[test]
fn every_panel_has_something_to_show_and_says_what_it_is() {
    // What was refused was rolled back with its evidence: in the demo nobody keeps it.
    let empty = ["Statements that were refused"];
    for dashboard in &dashboards() {
        for panel in list(dashboard, "/panels") {
            let title = text(panel, "/title");
            assert!(text(panel, "/description").ends_with('.'), "{title}");
            let query = text(panel, "/targets/0/rawSql");
            let rows = rows(query, dashboard);
            assert_eq!(rows.is_empty(), empty.contains(&title), "{title}: {query}");
            if text(panel, "/targets/0/format") == "time_series" {
                assert!(rows.iter().all(|row| row["time"].is_number()), "{title}");
            }
        }
        for annotation in list(dashboard, "/annotations/list") {
            let rows = rows(text(annotation, "/target/rawSql"), dashboard);
            assert!(!rows.is_empty());
            for column in ["time", "timeend", "text", "tags"] {
                assert!(rows[0][column].is_string(), "{column} in {}", rows[0]);
            }
        }
    }
}

#[test]
fn tiles_say_what_sql_says() {
    let [quality, pipeline] = dashboards();
    assert_eq!(
        tile(&quality, "Failures now"),
        number(
            "select (select sum(failures) from audit.table_quality)
                + (select count(*) from audit.time_rule_status where fails)"
        )
    );
    assert_eq!(
        tile(&quality, "Held in quarantine"),
        number("select count(*) from audit.quarantine where state = 'held'")
    );
    assert_eq!(
        tile(&quality, "Rows checked"),
        number("select count(*) from audit.row_change where op in ('I', 'U')")
    );
    assert_eq!(
        tile(&pipeline, "Given up, and paused channels"),
        number("select count(*) from audit.outbox where state = 'dead'")
    );
}

#[test]
fn a_role_that_may_only_read_can_ask_all_of_it() {
    for dashboard in &dashboards() {
        let mut queries: BTreeSet<String> = list(dashboard, "/panels")
            .iter()
            .map(|panel| as_sent(text(panel, "/targets/0/rawSql"), dashboard))
            .collect();
        queries.extend(
            list(dashboard, "/templating/list")
                .iter()
                .map(|variable| text(variable, "/query").to_owned()),
        );
        for query in queries {
            super::as_reader(&query);
        }
    }
}

#[test]
fn panels_stand_side_by_side_and_ask_the_provisioned_source() {
    assert!(SOURCE.contains("\n    uid: audit "), "{SOURCE}");
    for dashboard in &dashboards() {
        let mut cells = BTreeSet::new();
        let mut numbers = BTreeSet::new();
        for panel in list(dashboard, "/panels") {
            assert!(numbers.insert(panel["id"].as_i64()), "{panel}");
            assert_eq!(text(panel, "/datasource/uid"), "audit");
            assert_eq!(text(panel, "/targets/0/datasource/uid"), "audit");
            let at = |side: &str| panel["gridPos"][side].as_i64().expect(side);
            assert!(at("x") + at("w") <= 24, "{panel}");
            for x in at("x")..at("x") + at("w") {
                for y in at("y")..at("y") + at("h") {
                    assert!(
                        cells.insert((x, y)),
                        "{} overlaps another",
                        text(panel, "/title")
                    );
                }
            }
        }
    }
}
