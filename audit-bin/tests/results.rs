//! The formats of `audit check` for other programs: JSON, JUnit XML and the results of dbt.

use std::process::Command;

use audit_schema::testing::{Database, database};
use diesel::connection::SimpleConnection;
use roxmltree::{Document, Node};
use serde_json::Value;

/// A table of twenty orders with a rule of each outcome. One name and some values are hostile.
fn shop() -> Database {
    let database = database();
    database
        .connect()
        .batch_execute(
            "create table orders (id text primary key, region text, amount int);
             create table \"It's <odd> & \"\"so\"\"\" (id int primary key, note text);
             select audit.watch('orders'), audit.watch('\"It''s <odd> & \"\"so\"\"\"');
             select audit.declare_rule('orders', 'amount_is_small', 'range', '{\"column\": \"amount\", \"max\": 1000}');
             select audit.declare_rule('orders', 'amount_is_positive', 'range', '{\"column\": \"amount\", \"min\": 1}', severity => 'critical', owner => 'a&b@example.com');
             select audit.declare_rule('orders', 'region_is_known', 'not_null', '{\"column\": \"region\"}', severity => 'low');
             select audit.declare_rule('orders', 'region_is_short', 'length', '{\"column\": \"region\", \"max\": 1}', severity => 'critical', shadow => true);
             select audit.declare_rule('orders', 'mostly_small', 'range', '{\"column\": \"amount\", \"max\": 18}', mostly => 0.5);
             select audit.declare_rule('orders', 'can_be_divided', 'expression', '{\"expression\": \"100 / (amount - 7) > -1000\"}', severity => 'important');
             select audit.declare_rule('\"It''s <odd> & \"\"so\"\"\"', 'note_is_plain', 'matches', '{\"column\": \"note\", \"pattern\": \"^[a-z]*$\"}', severity => 'important');
             select audit.compile('orders'), audit.compile('\"It''s <odd> & \"\"so\"\"\"');
             insert into orders select case n when 3 then e'k\\x01\\x1b<]]>&\"' || chr(65534) else 'k' || n end, case when n > 2 then 'r' || n end,
                 case when n = 3 then -1 else n end from generate_series(1, 20) n;
             insert into \"It's <odd> & \"\"so\"\"\" values (1, e'x\\x07\\n<![CDATA[ y ]]> \\U0001f600')",
        )
        .unwrap_or_else(|error| panic!("{error}"));
    database
}

fn check(database: &Database, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_audit"))
        .arg("check")
        .args(arguments)
        .current_dir(std::env::temp_dir())
        .env_remove("AUDIT_TIME_ZONE")
        .env("DATABASE_URL", database.url())
        .output()
        .unwrap();
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

/// Holds a report against what readers of JUnit XML agree on: elements, their order, the attributes they must and may have,
/// and numbers that are those of the elements.
fn is_junit(document: &Document<'_>) {
    let names = |node: Node<'_, '_>| -> Vec<String> {
        node.children()
            .filter(Node::is_element)
            .map(|child| child.tag_name().name().to_owned())
            .collect()
    };
    let has = |node: Node<'_, '_>, required: &[&str]| {
        let mut attributes: Vec<&str> = node
            .attributes()
            .map(|attribute| attribute.name())
            .collect();
        attributes.sort_unstable();
        let mut required = required.to_vec();
        required.sort_unstable();
        assert_eq!(attributes, required, "{}", node.tag_name().name());
    };
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    let counted = ["tests", "failures", "errors", "skipped"];
    let mut sums = [0; 4];
    has(root, &[&counted[..], &["name", "time"]].concat());
    for suite in root.children().filter(Node::is_element) {
        assert_eq!(suite.tag_name().name(), "testsuite");
        has(suite, &[&counted[..], &["name", "time"]].concat());
        assert!(names(suite).iter().all(|name| name == "testcase"));
        let of = |name: &str| {
            suite
                .descendants()
                .filter(|node| node.tag_name().name() == name)
                .count()
        };
        let numbers = [of("testcase"), of("failure"), of("error"), of("skipped")];
        for (place, name) in counted.iter().enumerate() {
            assert_eq!(
                suite.attribute(*name),
                Some(numbers[place].to_string().as_str()),
                "{name}"
            );
            sums[place] += numbers[place];
        }
        suite.attribute("time").unwrap().parse::<f64>().unwrap();
        for case in suite.children().filter(Node::is_element) {
            has(case, &["classname", "name", "time"]);
            case.attribute("time").unwrap().parse::<f64>().unwrap();
            match names(case).as_slice() {
                [] => {}
                [one] if one == "failure" || one == "error" => {
                    has(case.first_element_child().unwrap(), &["type", "message"]);
                }
                [one] if one == "skipped" => has(case.first_element_child().unwrap(), &["message"]),
                [one] if one == "system-out" => {}
                others => panic!("{others:?}"),
            }
        }
    }
    for (place, name) in counted.iter().enumerate() {
        assert_eq!(
            root.attribute(*name),
            Some(sums[place].to_string().as_str()),
            "{name}"
        );
    }
}

#[test]
fn junit_has_a_suite_for_each_table_and_a_case_for_each_rule() {
    let shop = shop();
    let (code, text) = check(&shop, &["--format", "junit", "--fail-on", "normal"]);
    assert_eq!(code, Some(13));
    let document = Document::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    is_junit(&document);
    let cases: Vec<String> = document
        .descendants()
        .filter(|node| node.tag_name().name() == "testcase")
        .map(|case| {
            let outcome = case.first_element_child();
            let said = outcome.map_or_else(String::new, |outcome| {
                format!(
                    " {}: {}",
                    outcome.tag_name().name(),
                    outcome
                        .attribute("message")
                        .or_else(|| outcome.text())
                        .unwrap_or_default()
                )
            });
            format!(
                "{} {}{said}",
                case.attribute("classname").unwrap(),
                case.attribute("name").unwrap()
            )
        })
        .collect();
    insta::assert_snapshot!(cases.join("\n"));
    // What XML has no place for is a replacement character, the rest comes back as it was.
    let failure = document
        .descendants()
        .find(|node| {
            node.tag_name().name() == "failure" && node.attribute("type") == Some("critical")
        })
        .unwrap();
    assert_eq!(
        failure.text().unwrap(),
        "fails for k\u{fffd}\u{fffd}<]]>&\"\u{fffd}\nfor example {\"amount\":-1}\nowner a&b@example.com"
    );
}

#[test]
fn what_is_below_the_wanted_severity_is_told_and_does_not_fail() {
    let shop = shop();
    let (code, text) = check(
        &shop,
        &[
            "orders",
            "--rule",
            "region_is_known",
            "--fail-on",
            "normal",
            "--format",
            "junit",
        ],
    );
    assert_eq!(code, Some(0));
    is_junit(&Document::parse(&text).unwrap());
    assert!(
        text.contains("<system-out>low: 2 of 20 rows fail"),
        "{text}"
    );
    assert_eq!(check(&shop, &["--rule", "region_is_known"]).0, Some(10));
    assert_eq!(
        check(
            &shop,
            &[
                "--rule",
                "region_is_known",
                "--rule",
                "amount_is_positive",
                "--fail-on",
                "critical"
            ]
        )
        .0,
        Some(13)
    );
    let (code, text) = check(
        &shop,
        &["--rule", "region_is_known", "--fail-on", "important"],
    );
    assert_eq!(code, Some(0));
    assert!(text.contains("the worst is low"), "{text}");
}

#[test]
fn results_of_dbt_have_the_fields_that_its_readers_know() {
    let shop = shop();
    let (code, text) = check(&shop, &["--format", "dbt", "--fail-on", "normal"]);
    assert_eq!(code, Some(13));
    let run: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        run["metadata"]["dbt_schema_version"],
        "https://schemas.getdbt.com/dbt/run-results/v6.json"
    );
    chrono::DateTime::parse_from_rfc3339(run["metadata"]["generated_at"].as_str().unwrap())
        .unwrap();
    run["metadata"]["invocation_id"]
        .as_str()
        .unwrap()
        .parse::<uuid::Uuid>()
        .unwrap();
    assert!(
        run["metadata"]["env"].is_object()
            && run["args"].is_object()
            && run["elapsed_time"].is_f64()
    );
    let mut lines = Vec::new();
    for result in run["results"].as_array().unwrap() {
        let keys: Vec<&str> = result
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(
            keys,
            [
                "adapter_response",
                "batch_results",
                "compiled",
                "compiled_code",
                "execution_time",
                "failures",
                "message",
                "relation_name",
                "status",
                "thread_id",
                "timing",
                "unique_id",
            ]
        );
        assert!(result["execution_time"].is_f64() && result["timing"].is_array());
        lines.push(format!(
            "{} {} {} {}",
            result["unique_id"].as_str().unwrap(),
            result["status"].as_str().unwrap(),
            result["failures"],
            result["message"]
        ));
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn json_has_everything_and_the_exit_code() {
    let shop = shop();
    let (code, text) = check(&shop, &["orders", "--format", "json"]);
    let result: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (code, &result["exit_code"], &result["worst"]),
        (Some(13), &Value::from(13), &Value::from("critical"))
    );
    let table = &result["tables"][0];
    assert!(table["took"].is_f64() && table["longest"].is_f64() && table["rows"] == 20);
    let rules: Vec<String> = table["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| format!("{} {}", rule["name"], rule["status"]))
        .collect();
    insta::assert_snapshot!(rules.join("\n"));
}

#[test]
fn a_file_gets_the_result_and_a_person_the_text() {
    let shop = shop();
    let path = std::env::temp_dir().join(format!("audit-{}-results.xml", std::process::id()));
    let (code, text) = check(
        &shop,
        &["--format", "junit", "--out", path.to_str().unwrap()],
    );
    let written = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(code, Some(13));
    assert!(text.contains("the worst is critical"), "{text}");
    is_junit(&Document::parse(&written).unwrap());
}
