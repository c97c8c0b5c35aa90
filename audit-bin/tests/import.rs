//! `audit import` and `audit export` as a person runs them: no database is needed.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use audit_core::Policy;
use insta::assert_snapshot;

const CHECKS: &str = "checks for orders:
  - row_count > 0
  - missing_percent(region) < 5%
  - distribution_difference(size) > 0.05
";

fn audit(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_audit"))
        .args(arguments)
        .env_remove("DATABASE_URL")
        .env_remove("AUDIT_TIME_ZONE")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A file that is gone after the test.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let file = File::named(name);
        std::fs::write(&file.0, text).unwrap();
        file
    }

    fn named(name: &str) -> Self {
        File(std::env::temp_dir().join(format!("audit-{}-{name}", std::process::id())))
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn read(&self) -> String {
        std::fs::read_to_string(&self.0).unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn the_policy_goes_to_standard_output_and_the_report_to_standard_error() {
    let file = File::new("shown.yml", CHECKS);
    let output = audit(&["import", "sodacl", file.path(), "--schema", "shop"]);
    assert_eq!(output.status.code(), Some(0));
    assert_snapshot!(text(&output.stderr));
    let fragment = text(&output.stdout);
    let policy = Policy::parse(&fragment, "fragment.yml").unwrap();
    assert_eq!(policy.tables[0].name, "shop.orders");
    assert_snapshot!(fragment.replace(file.path(), "checks.yml"));
}

#[test]
fn both_may_go_to_files_and_the_report_be_json() {
    let file = File::new("files.yml", CHECKS);
    let (out, report) = (File::named("out.yml"), File::named("report.json"));
    let output = audit(&[
        "import",
        "sodacl",
        file.path(),
        "--out",
        out.path(),
        "--report",
        report.path(),
        "--format",
        "json",
    ]);
    assert_eq!(
        (
            output.status.code(),
            output.stdout.len(),
            output.stderr.len()
        ),
        (Some(0), 0, 0)
    );
    Policy::parse(&out.read(), "out.yml").unwrap();
    assert_snapshot!(report.read().replace(file.path(), "checks.yml"));
}

#[test]
fn a_suite_says_nothing_of_its_table_so_a_person_may() {
    let suite = r#"{ "name": "x", "expectations": [{ "type": "expect_column_values_to_not_be_null", "kwargs": { "column": "id" } }] }"#;
    let file = File::new("suite.json", suite);
    let output = audit(&["import", "gx", file.path(), "--table", "shop.orders"]);
    assert!(text(&output.stdout).contains("  shop.orders:\n"));
}

#[test]
fn what_is_no_such_file_is_said_with_its_place() {
    let file = File::new("broken.yml", "models:\n  - name: [orders\n");
    let output = audit(&["import", "dbt", file.path()]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    assert_snapshot!(text(&output.stderr).replace(file.path(), "schema.yml"));
    let output = audit(&["import", "dbt", "/nowhere/manifest.json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).starts_with("error: cannot read `/nowhere/manifest.json`\n  because ")
    );
}

#[test]
fn a_policy_goes_out_as_a_contract_and_comes_back() {
    let policy_text = "version: 1
tables:
  shop.orders:
    rules:
      - not_null: id
        severity: important
      - transition: { status: { new: [open] } }
summaries:
  totals: { from: shop.orders, measures: { orders: count } }
";
    let policy = File::new("policy.yml", policy_text);
    let contract = File::named("contract.yaml");
    let output = audit(&[
        "export",
        "odcs",
        policy.path(),
        "--id",
        "shop",
        "--out",
        contract.path(),
    ]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
    assert_snapshot!(text(&output.stderr));
    assert!(contract.read().contains("\nid: shop\n"));
    let back = audit(&["import", "odcs", contract.path()]);
    let fragment = text(&back.stdout);
    assert_eq!(
        Policy::parse(&fragment, "back.yml").unwrap().tables,
        Policy::parse(policy_text, "policy.yml").unwrap().tables
    );
}
