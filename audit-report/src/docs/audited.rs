//! The list of audited objects: what is audited and why, which errors are looked for, how bad each is, what happens to
//! the row, when it is flagged and when it has to be fixed, and by whom.

use audit_core::{Action, Severity, Subject};
use audit_schema::catalogue::{Catalogue, Declared, DeclaredRule, Table, Watched, When};
use serde_json::Value;

use super::markdown::{anchor, cell, code, codes, consequence, severity};
use crate::format::{count, percent};

/// The list of what a policy audits, as Markdown.
pub fn audited_objects(catalogue: &Catalogue) -> String {
    let mut text = String::from(
        "# Audited objects\n\
         \n\
         Written by `audit docs` from the policy that is applied. Do not edit.\n\n",
    );
    if catalogue.watched.is_empty() {
        text.push_str("No table is watched: no policy has been applied to this database.\n");
        return text;
    }
    let rules = catalogue
        .watched
        .iter()
        .map(|table| table.rules.len())
        .sum::<usize>();
    text.push_str(&format!(
        "{} with {}.\n\n",
        count(
            catalogue.watched.len() as i64,
            "table is watched",
            "tables are watched"
        ),
        count(rules as i64, "rule", "rules"),
    ));
    overview(&mut text, catalogue);
    lifecycle(&mut text, catalogue);
    for table in &catalogue.watched {
        describe(&mut text, table, catalogue);
    }
    text
}

fn overview(text: &mut String, catalogue: &Catalogue) {
    text.push_str(
        "| object | why it is audited | owner | rules | worst severity |\n|---|---|---|---|---|\n",
    );
    for table in &catalogue.watched {
        let counts: Vec<String> = Severity::ALL
            .into_iter()
            .map(|level| {
                (
                    level,
                    table
                        .rules
                        .iter()
                        .filter(|rule| rule.severity == level)
                        .count(),
                )
            })
            .filter(|(_, number)| *number > 0)
            .map(|(level, number)| format!("{} {number}", level.symbol()))
            .collect();
        let worst = table.rules.iter().map(|rule| rule.severity).max();
        text.push_str(&format!(
            "| [{}](#{}) | {} | {} | {} | {} |\n",
            cell(&table.name),
            anchor(&table.name),
            cell(&table.why),
            cell(&table.owner),
            if counts.is_empty() {
                "none".to_owned()
            } else {
                counts.join(" ")
            },
            worst.map_or_else(|| "–".to_owned(), severity),
        ));
    }
    text.push('\n');
}

/// When a rule is looked at, in words.
pub(super) fn looked_at(when: When) -> &'static str {
    match when {
        When::Written => "as the row is written",
        When::Updated => "as the row is updated",
        When::Asked => "as time passes: the tick asks",
    }
}

fn lifecycle(text: &mut String, catalogue: &Catalogue) {
    text.push_str(
        "## When a failure is flagged, and when it has to be fixed\n\
         \n\
         Rules about rows are checked by every INSERT, UPDATE, COPY or MERGE, in the transaction of the writer: before \
         anybody else can read the row. The counter of the rule is exact from that moment on. A row passes unless the rule is \
         false for it; a rule that is neither true nor false, because a value is missing, passes unless it says otherwise. \
         Rules about time, which no write would notice, are asked by the tick.\n\
         \n\
         | when | what is looked at | what becomes of a failure |\n|---|---|---|\n",
    );
    for when in [When::Written, When::Updated, When::Asked] {
        for action in [Action::Reject, Action::Quarantine, Action::Flag] {
            let rules = rules(catalogue)
                .filter(|rule| !rule.shadow && rule.when == when && rule.action == action)
                .count();
            if rules > 0 {
                text.push_str(&format!(
                    "| {} | {} with action `{}` | {} |\n",
                    looked_at(when),
                    count(rules as i64, "rule", "rules"),
                    action_name(action),
                    if when == When::Asked {
                        "a finding is recorded, and the rule fails until it is right again"
                    } else {
                        consequence(action)
                    }
                ));
            }
        }
    }
    let on_trial = rules(catalogue).filter(|rule| rule.shadow).count();
    if on_trial > 0 {
        text.push_str(&format!(
            "| as its class says | {} on trial | it is counted; nothing is done and nobody is told |\n",
            count(on_trial as i64, "rule", "rules")
        ));
    }
    text.push_str(&format!(
        "| at every tick | {} | an alert opens, is told to the channels of its route, and is resolved when it no longer holds |\n",
        count(catalogue.alert_policies.len() as i64, "alert policy", "alert policies"),
    ));
    text.push_str("\n| severity | rules | has to be fixed within |\n|---|---|---|\n");
    for level in Severity::ALL {
        let mut spans: Vec<&str> = Vec::new();
        let mut number = 0;
        for rule in rules(catalogue).filter(|rule| rule.severity == level) {
            number += 1;
            let span = if rule.fix_within.is_empty() {
                "no deadline"
            } else {
                rule.fix_within.as_str()
            };
            if !spans.contains(&span) {
                spans.push(span);
            }
        }
        spans.sort_unstable();
        text.push_str(&format!(
            "| {} | {number} | {} |\n",
            severity(level),
            or_dash(&spans.join(", "))
        ));
    }
    text.push_str(
        "\nThe time to fix runs from the write. What is older counts as overdue on the dashboard and in \
         `audit.unfixed_failure`.\n",
    );
}

/// All rules of all tables.
pub(super) fn rules(catalogue: &Catalogue) -> impl Iterator<Item = &DeclaredRule> {
    catalogue.watched.iter().flat_map(|table| &table.rules)
}

fn describe(text: &mut String, table: &Watched, catalogue: &Catalogue) {
    text.push_str(&format!("\n## {}\n\n", cell(&table.name)));
    if !table.why.is_empty() {
        text.push_str(&format!("{}\n\n", cell(&table.why)));
    }
    text.push_str("| | |\n|---|---|\n");
    text.push_str(&format!("| owner | {} |\n", or_dash(&cell(&table.owner))));
    text.push_str(&format!(
        "| key | {} |\n",
        if table.key_columns.is_empty() {
            "none: rows can not be found by key, set aside or followed through time".to_owned()
        } else {
            codes(&table.key_columns)
        }
    ));
    let described = catalogue
        .tables
        .iter()
        .find(|other| other.full_name() == table.name);
    let columns = described.map_or(0, |found| found.columns.len());
    text.push_str(&format!(
        "| what is logged | every INSERT, UPDATE, DELETE and TRUNCATE: all {} before and after, who wrote (person, \
         application, role, address), for which request, when, in which transaction |\n",
        count(columns as i64, "column", "columns")
    ));
    text.push_str(&format!(
        "| summaries | {} |\n",
        or_dash(
            &table
                .summaries
                .iter()
                .map(summary)
                .collect::<Vec<_>>()
                .join("<br>")
        )
    ));
    text.push_str(&format!(
        "| alerts | {} |\n\n",
        or_dash(&alerts(table, catalogue).join("<br>"))
    ));

    rules_of(text, table);
    if let Some(described) = described {
        columns_of(text, described, table);
    }
}

fn rules_of(text: &mut String, table: &Watched) {
    if table.rules.is_empty() {
        text.push_str("No rules: changes are logged and counted, nothing is checked.\n");
        return;
    }
    text.push_str(
        "| rule | a row is wrong unless | severity | action | why | flagged | to be fixed | by |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for rule in &table.rules {
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} |\n",
            code(&rule.name),
            demand(rule),
            severity(rule.severity),
            action_name(rule.action),
            or_dash(&cell(&rule.why)),
            flagged(rule),
            to_be_fixed(rule),
            or_dash(&cell(if rule.owner.is_empty() {
                &table.owner
            } else {
                &rule.owner
            })),
        ));
    }
}

/// The columns, with what is in them and which rules read them.
fn columns_of(text: &mut String, described: &Table, table: &Watched) {
    text.push_str("\n| column | type | what is in it | rules |\n|---|---|---|---|\n");
    for column in &described.columns {
        let rules = table
            .rules
            .iter()
            .filter(|rule| rule.columns.contains(&column.name))
            .map(|rule| &rule.name);
        let mut notes = Vec::new();
        if column.key {
            notes.push("Key.".to_owned());
        }
        for reference in &described.references {
            if reference.columns.contains(&column.name) {
                notes.push(format!("References {}.", code(&reference.to)));
            }
        }
        if !column.not_null {
            notes.push("May be null.".to_owned());
        }
        if !column.comment.is_empty() {
            notes.push(cell(&column.comment));
        }
        text.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            code(&column.name),
            code(&column.data_type),
            or_dash(&notes.join(" ")),
            or_dash(&codes(rules))
        ));
    }
}

fn demand(rule: &DeclaredRule) -> String {
    let mut text = code(&rule.demands);
    if !rule.condition.is_empty() {
        text.push_str(&format!(
            "; only rows where {} are looked at",
            code(&rule.condition)
        ));
    }
    if rule.nulls_fail {
        text.push_str("; a row of which it is unknown, because a value is missing, is wrong too");
    }
    if let Some(share) = rule.mostly {
        text.push_str(&format!(
            "; it counts as failing when less than {} of the rows pass",
            percent(share)
        ));
    }
    text
}

fn flagged(rule: &DeclaredRule) -> String {
    let every = match (rule.when, rule.every.as_str()) {
        (When::Asked, "") => "as time passes, when the tick asks".to_owned(),
        (When::Asked, every) => format!("as time passes, asked every {}", cell(every)),
        (When::Updated, _) => "as it is updated".to_owned(),
        (When::Written, _) => "as it is written".to_owned(),
    };
    let what = match (rule.shadow, rule.when, rule.action) {
        (true, ..) => "counted on trial, nothing follows",
        (_, When::Asked, _) => "kept, and marked as failing",
        (_, _, Action::Reject) => "the statement fails",
        (_, _, Action::Quarantine) if rule.hides => {
            "kept, and hidden from the view of visible rows"
        }
        (_, _, Action::Quarantine) => "set aside, no reader sees it",
        (_, _, Action::Flag) => "kept, and marked",
    };
    format!("{every}: {what}")
}

fn to_be_fixed(rule: &DeclaredRule) -> String {
    match (rule.shadow, rule.action, rule.fix_within.as_str()) {
        (true, ..) => "nothing yet: it is on trial".into(),
        (_, Action::Reject, _) => "by the writer, before it is written".into(),
        (_, _, "") => "no deadline".into(),
        (_, Action::Quarantine, within) => format!("corrected and written again within {within}"),
        (_, Action::Flag, within) => format!("within {within}"),
    }
}

fn summary(summary: &Declared) -> String {
    format!("{}: {}", code(&summary.name), code(&summary.what))
}

fn alerts(table: &Watched, catalogue: &Catalogue) -> Vec<String> {
    catalogue
        .alert_policies
        .iter()
        .filter(|policy| {
            let on = policy.definition["on"].as_str().unwrap_or_default();
            (Subject::WORDS.contains(&on) && !table.rules.is_empty())
                || table.summaries.iter().any(|summary| summary.name == on)
        })
        .map(|policy| format!("{}: {}", code(&policy.name), code(&policy.what)))
        .collect()
}

pub(super) fn action_name(action: Action) -> &'static str {
    match action {
        Action::Reject => "reject",
        Action::Quarantine => "quarantine",
        Action::Flag => "flag",
    }
}

pub(super) fn or_dash(text: &str) -> String {
    if text.is_empty() {
        "–".into()
    } else {
        text.into()
    }
}

/// A value of a definition as a text.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
