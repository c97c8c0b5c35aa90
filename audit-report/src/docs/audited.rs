//! The list of audited objects: what is audited and why, which errors are looked for, how bad each is, what happens to
//! the row, when it is flagged and when it has to be fixed, and by whom.

use audit_core::{Action, Severity};
use audit_schema::catalogue::{Catalogue, Declared, DeclaredRule, Watched};
use serde_json::Value;

use super::markdown::{anchor, cell, code, codes, consequence, severity};
use crate::format::count;

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

fn lifecycle(text: &mut String, catalogue: &Catalogue) {
    text.push_str(
        "## When a failure is flagged, and when it has to be fixed\n\
         \n\
         Every rule below is checked when a row is written, by INSERT, UPDATE, COPY or MERGE, in the transaction of the \
         writer: before anybody else can read the row. The counter of the rule is exact from that moment on. A row \
         passes unless the rule is false for it; a rule that is neither true nor false, because a value is missing, passes \
         unless it says otherwise.\n\
         \n\
         | when | what is looked at | what becomes of a failure |\n|---|---|---|\n",
    );
    for (action, when) in [
        (Action::Reject, "as the row is written"),
        (Action::Quarantine, "as the row is written"),
        (Action::Flag, "as the row is written"),
    ] {
        let rules: usize = catalogue
            .watched
            .iter()
            .map(|table| {
                table
                    .rules
                    .iter()
                    .filter(|rule| rule.action == action)
                    .count()
            })
            .sum();
        text.push_str(&format!(
            "| {when} | {} with action `{}` | {} |\n",
            count(rules as i64, "rule", "rules"),
            action_name(action),
            consequence(action)
        ));
    }
    text.push_str(&format!(
        "| at every tick | {} | an alert opens, is told to the channels of its route, and is resolved when it no longer holds |\n",
        count(catalogue.alert_policies.len() as i64, "alert policy", "alert policies"),
    ));
    text.push_str("\n| severity | rules | has to be fixed within |\n|---|---|---|\n");
    for level in Severity::ALL {
        let rules: Vec<&DeclaredRule> = catalogue
            .watched
            .iter()
            .flat_map(|table| &table.rules)
            .filter(|rule| rule.severity == level)
            .collect();
        let mut spans: Vec<&str> = Vec::new();
        for rule in &rules {
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
            "| {} | {} | {} |\n",
            severity(level),
            rules.len(),
            if spans.is_empty() {
                "–".to_owned()
            } else {
                spans.join(", ")
            }
        ));
    }
    text.push_str(
        "\nThe time to fix runs from the write. What is older counts as overdue on the dashboard and in \
         `audit.unfixed_failure`.\n",
    );
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
    let columns = catalogue
        .tables
        .iter()
        .find(|other| other.full_name() == table.name)
        .map_or(0, |found| found.columns.len());
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
    text
}

fn flagged(rule: &DeclaredRule) -> &'static str {
    match rule.action {
        Action::Reject => "as it is written: the statement fails",
        Action::Quarantine => "as it is written: set aside, no reader sees it",
        Action::Flag => "as it is written: kept, and marked",
    }
}

fn to_be_fixed(rule: &DeclaredRule) -> String {
    match (rule.action, rule.fix_within.as_str()) {
        (Action::Reject, _) => "by the writer, before it is written".into(),
        (_, "") => "no deadline".into(),
        (Action::Quarantine, within) => format!("corrected and written again within {within}"),
        (Action::Flag, within) => format!("within {within}"),
    }
}

fn summary(summary: &Declared) -> String {
    let names = |key: &str| -> Vec<&str> {
        summary.definition[key]
            .as_array()
            .map(|list| {
                list.iter()
                    .filter_map(|item| item["name"].as_str())
                    .collect()
            })
            .unwrap_or_default()
    };
    let mut text = format!("{}: {}", code(&summary.name), codes(names("measures")));
    let groups = names("group_by");
    if !groups.is_empty() {
        text.push_str(&format!(" by {}", codes(groups)));
    }
    if let Some(width) = summary.definition["bucket"]["width"].as_str() {
        text.push_str(&format!(" and {}", cell(width)));
    }
    text
}

fn alerts(table: &Watched, catalogue: &Catalogue) -> Vec<String> {
    catalogue
        .alert_policies
        .iter()
        .filter(|policy| {
            let on = policy.definition["on"].as_str().unwrap_or_default();
            (on == "rules" && !table.rules.is_empty())
                || table.summaries.iter().any(|summary| summary.name == on)
        })
        .map(|policy| {
            let when = policy.definition["when"].as_str().unwrap_or_default();
            format!("{}: when {}", code(&policy.name), code(when))
        })
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
