//! The result of a check in the formats that other programs read.

use audit_core::Severity;
use audit_schema::check::{Checked, CheckedRule};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::terminal::{count, number};

/// What came of a rule.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Pass,
    /// It is not kept, and nobody wants to fail for it.
    Warn,
    Fail,
    /// It could not be evaluated for some row.
    Error,
    /// It is on trial and not kept.
    Skipped,
}

impl Status {
    fn of(checked: &Checked, rule: &CheckedRule, fail_on: Severity) -> Self {
        match rule {
            rule if checked.keeps(rule) => Status::Pass,
            rule if rule.shadow => Status::Skipped,
            rule if rule.severity < fail_on => Status::Warn,
            rule if rule.errors > 0 => Status::Error,
            _ => Status::Fail,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Status::Pass => "pass",
            Status::Warn => "warn",
            Status::Fail => "fail",
            Status::Error => "error",
            Status::Skipped => "skipped",
        }
    }
}

/// Everything that is known, with times in seconds.
pub(super) fn json(checked: &[Checked], fail_on: Severity, code: u8) -> anyhow::Result<String> {
    let mut tables = Vec::with_capacity(checked.len());
    for table in checked {
        let mut value = serde_json::to_value(table)?;
        value["took"] = json!(table.took.as_secs_f64());
        value["longest"] = json!(table.longest.as_secs_f64());
        for (place, rule) in table.rules.iter().enumerate() {
            value["rules"][place]["status"] = json!(Status::of(table, rule, fail_on).name());
        }
        tables.push(value);
    }
    let worst = checked.iter().filter_map(Checked::worst).max();
    crate::command::json(&json!({ "tables": tables, "worst": worst, "exit_code": code }))
}

/// As the XML that JUnit made common: a suite for each table, a case for each rule.
pub(super) fn junit(checked: &[Checked], fail_on: Severity) -> String {
    let statuses = |table: &Checked| -> Vec<Status> {
        let rules = table.rules.iter();
        rules.map(|rule| Status::of(table, rule, fail_on)).collect()
    };
    let all: Vec<Status> = checked.iter().flat_map(statuses).collect();
    let seconds: f64 = checked.iter().map(|table| table.took.as_secs_f64()).sum();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"audit check\" {}>\n",
        totals(&all, seconds)
    );
    for table in checked {
        text += &format!(
            "  <testsuite name=\"{}\" {}>\n",
            attribute(&table.table),
            totals(&statuses(table), table.took.as_secs_f64())
        );
        for rule in &table.rules {
            text += &case(table, rule, fail_on);
        }
        text += "  </testsuite>\n";
    }
    text + "</testsuites>\n"
}

fn totals(statuses: &[Status], seconds: f64) -> String {
    let count = |wanted: Status| statuses.iter().filter(|status| **status == wanted).count();
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{seconds:.3}\"",
        statuses.len(),
        count(Status::Fail),
        count(Status::Error),
        count(Status::Skipped),
    )
}

fn case(table: &Checked, rule: &CheckedRule, fail_on: Severity) -> String {
    let begin = format!(
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\"",
        attribute(&table.table),
        attribute(&rule.name),
        seconds(table)
    );
    let message = message(table, rule);
    let said = attribute(&message);
    let inside = match Status::of(table, rule, fail_on) {
        Status::Pass => return begin + "/>\n",
        Status::Warn => format!(
            "<system-out>{}</system-out>",
            content(&format!("{}: {message}\n{}", rule.severity, details(rule)))
        ),
        Status::Skipped => format!("<skipped message=\"in shadow: {said}\"/>"),
        Status::Fail => format!(
            "<failure type=\"{}\" message=\"{said}\">{}</failure>",
            rule.severity,
            content(&details(rule))
        ),
        Status::Error => format!(
            "<error type=\"{}\" message=\"{said}\">{}</error>",
            rule.severity,
            content(&details(rule))
        ),
    };
    format!("{begin}>\n      {inside}\n    </testcase>\n")
}

/// In the shape of the `run_results.json` of dbt, version 6.
pub(super) fn dbt(
    checked: &[Checked],
    fail_on: Severity,
    now: DateTime<Utc>,
    id: Uuid,
) -> anyhow::Result<String> {
    let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Micros, true);
    let mut results = Vec::new();
    for table in checked {
        // All rules of a table are evaluated in one reading of it.
        let took = TimeDelta::from_std(table.took).unwrap_or_default();
        let timing = json!([{ "name": "execute", "started_at": time(now - took), "completed_at": time(now) }]);
        for rule in &table.rules {
            let status = Status::of(table, rule, fail_on);
            results.push(json!({
                "status": status.name(),
                "timing": timing,
                "thread_id": "main",
                "execution_time": seconds(table),
                "adapter_response": {},
                "message": if status == Status::Pass { Value::Null } else { json!(message(table, rule)) },
                "failures": rule.failing,
                "unique_id": format!("test.audit.{}.{}", table.table, rule.name),
                "compiled": true,
                "compiled_code": null,
                "relation_name": null,
                "batch_results": null,
            }));
        }
    }
    let elapsed: f64 = checked.iter().map(|table| table.took.as_secs_f64()).sum();
    crate::command::json(&json!({
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json",
            "dbt_version": env!("CARGO_PKG_VERSION"),
            "generated_at": time(now),
            "invocation_id": id,
            "env": {},
        },
        "results": results,
        "elapsed_time": elapsed,
        "args": { "which": "test", "invocation_command": "audit check" },
    }))
}

/// A rule's part of the time that its table took.
fn seconds(table: &Checked) -> f64 {
    table.took.as_secs_f64() / table.rules.len().max(1) as f64
}

/// How many rows fail, or can not be judged.
fn message(table: &Checked, rule: &CheckedRule) -> String {
    let mut facts = Vec::new();
    if rule.failing > 0 {
        let verb = if rule.failing == 1 { "fails" } else { "fail" };
        facts.push(format!(
            "{} of {} {verb}",
            number(rule.failing),
            count(table.rows, "row")
        ));
    }
    if let Some(error) = &rule.error {
        facts.push(format!(
            "{} can not be judged: {error}",
            count(rule.errors, "row")
        ));
    }
    if facts.is_empty() {
        facts.push(format!("{} pass", count(table.rows, "row")));
    }
    facts.join("; ")
}

/// The keys of the rows, a few examples and the owner.
fn details(rule: &CheckedRule) -> String {
    let mut lines = Vec::new();
    for (what, keys) in [
        ("fails for", &rule.keys),
        ("can not be judged for", &rule.error_keys),
    ] {
        if !keys.is_empty() {
            lines.push(format!("{what} {}", keys.join(", ")));
        }
    }
    lines.extend(
        rule.samples
            .iter()
            .map(|sample| format!("for example {sample}")),
    );
    if !rule.owner.is_empty() {
        lines.push(format!("owner {}", rule.owner));
    }
    lines.join("\n")
}

/// A text between double quotes.
fn attribute(text: &str) -> String {
    content(text).replace('\n', "&#10;").replace('\t', "&#9;")
}

/// A text between tags. XML has no place for most control characters, not even escaped.
fn content(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&apos;",
            '\r' => escaped += "&#13;",
            '\n' | '\t' => escaped.push(character),
            character if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') => {
                escaped.push('\u{fffd}');
            }
            character => escaped.push(character),
        }
    }
    escaped
}
