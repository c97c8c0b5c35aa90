//! How the data moves: from a write, through the checks in its transaction, the log and the tick, to people.

mod diagram;
mod picture;

use audit_core::{Action, Severity};
use audit_schema::catalogue::{Catalogue, Declared};

use super::audited::{action_name, or_dash, plain};
use super::entities::link;
use super::markdown::{cell, code, codes, consequence, severity};
use crate::format::count;

pub use diagram::flow_mermaid;
pub use picture::flow_svg;

/// The document: the picture, the diagram, and what happens at each step.
pub fn flow(catalogue: &Catalogue) -> String {
    let mut text = String::from(
        "# Flow\n\
         \n\
         Written by `audit docs` from an installed database. Do not edit.\n\
         \n\
         ![From a write to a message](flow.svg)\n\
         \n\
         ## Step by step\n\
         \n\
         | step | when | what happens | objects | if it fails |\n|---|---|---|---|---|\n",
    );
    for step in steps(catalogue) {
        let objects: Vec<String> = step
            .objects
            .iter()
            .filter(|name| exists(catalogue, name))
            .map(|name| link(name))
            .collect();
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} |\n",
            step.name,
            step.when,
            step.what,
            or_dash(&objects.join(", ")),
            step.failure
        ));
    }
    text.push_str("\n## In one diagram\n\n```mermaid\n");
    text.push_str(&flow_mermaid(catalogue));
    text.push_str("```\n\n");
    outcomes(&mut text, catalogue);
    telling(&mut text, catalogue);
    text
}

struct Step {
    name: &'static str,
    when: &'static str,
    what: String,
    objects: Vec<&'static str>,
    failure: &'static str,
}

fn steps(catalogue: &Catalogue) -> Vec<Step> {
    let rules = |action: Action| {
        catalogue
            .watched
            .iter()
            .flat_map(|table| &table.rules)
            .filter(|rule| rule.action == action)
            .count() as i64
    };
    vec![
        Step {
            name: "1 write",
            when: "in the writer's transaction",
            what: format!(
                "An application writes to one of {}. After the statement a generated function sees all its rows at once.",
                count(catalogue.watched.len() as i64, "watched table", "watched tables")
            ),
            objects: vec!["audit.watched_table", "audit.set_context"],
            failure: "the statement fails, as it would without the pipeline",
        },
        Step {
            name: "2 check",
            when: "in the writer's transaction",
            what: format!(
                "Every rule is evaluated over the rows: {} reject, {} set aside, {} flag.",
                rules(Action::Reject),
                rules(Action::Quarantine),
                rules(Action::Flag)
            ),
            objects: vec!["audit.rule", "audit.finding", "audit.quarantine"],
            failure: "a rule that raises an error lets the write through and the error is recorded, or fails it, as the rule says",
        },
        Step {
            name: "3 log",
            when: "in the writer's transaction",
            what: "One append for the statement: who, when, rows before and after. It commits or rolls back with the data."
                .into(),
            objects: vec!["audit.change"],
            failure: "the statement fails: nothing is written that is not logged",
        },
        Step {
            name: "4 tick",
            when: "each time the tick runs, in a transaction of its own",
            what: "What no open transaction can change any more is moved out of the head, exactly once: packed, sealed with a \
                   digest that is chained to the one before, and folded into counters and summaries."
                .into(),
            objects: vec![
                "audit.tick",
                "audit.segment",
                "audit.table_counter_base",
                "audit.rule_counter_base",
                "audit.table_activity_base",
                "audit.rule_activity_base",
                "audit.progress",
            ],
            failure: "all of it rolls back and is done by the next tick; readers stay exact, because they add what is still in the head",
        },
        Step {
            name: "5 observe",
            when: "after each tick",
            what: format!(
                "{} looked at: what crosses a threshold opens an episode, what no longer does is resolved.",
                count(catalogue.alert_policies.len() as i64, "alert policy is", "alert policies are")
            ),
            objects: vec!["audit.observe", "audit.alert_policy", "audit.alert", "audit.alert_transition"],
            failure: "a policy that can not be evaluated is reported and the others go on",
        },
        Step {
            name: "6 tell",
            when: "at once, outside of any transaction",
            what: "Messages go to the channels of the first route that matches; they are claimed with a lease, retried with \
                   growing pauses, and never lost."
                .into(),
            objects: vec!["audit.route", "audit.channel", "audit.outbox", "audit.delivery_attempt"],
            failure: "tried again; given up visibly after the last attempt; a channel whose credentials are refused is paused",
        },
        Step {
            name: "7 put right",
            when: "by people, before the deadline of the rule",
            what: "Corrections are writes like any other: they are checked, logged, and take the failure back. What was set \
                   aside is corrected and written again. Alerts are acknowledged."
                .into(),
            objects: vec!["audit.unfixed_failure", "audit.quarantine", "audit.acknowledge", "audit.snooze", "audit.history"],
            failure: "a failure that is older than its deadline counts as overdue",
        },
        Step {
            name: "8 read",
            when: "at any time",
            what: "Counters, summaries and the log are exact in the snapshot of the reader: folded base plus what is still in \
                   the head. The dashboard reads these and never the packed log."
                .into(),
            objects: vec![
                "audit.table_counter",
                "audit.rule_counter",
                "audit.rule_status",
                "audit.table_quality",
                "audit.alert_span",
                "audit.row_change",
                "audit.verify",
            ],
            failure: "nothing: readers change nothing",
        },
    ]
}

fn exists(catalogue: &Catalogue, name: &str) -> bool {
    is_relation(catalogue, name)
        || catalogue
            .functions
            .iter()
            .any(|function| format!("{}.{}", function.schema, function.name) == name)
}

fn is_relation(catalogue: &Catalogue, name: &str) -> bool {
    catalogue
        .tables
        .iter()
        .any(|table| table.full_name() == name)
        || catalogue
            .views
            .iter()
            .any(|view| format!("{}.{}", view.schema, view.name) == name)
}

fn outcomes(text: &mut String, catalogue: &Catalogue) {
    text.push_str(
        "## What becomes of a row that fails\n\
         \n\
         All failures of a row are recorded; the severest action among its failed rules decides.\n\
         \n\
         | action | rules | worst severity | what happens | flagged | has to be fixed |\n|---|---|---|---|---|---|\n",
    );
    for action in [Action::Reject, Action::Quarantine, Action::Flag] {
        let rules: Vec<_> = catalogue
            .watched
            .iter()
            .flat_map(|table| &table.rules)
            .filter(|rule| rule.action == action)
            .collect();
        let fixed = match action {
            Action::Reject => "by the writer, before anything is written",
            Action::Quarantine => "within the deadline of the rule: corrected and written again",
            Action::Flag => "within the deadline of the rule, by its owner",
        };
        text.push_str(&format!(
            "| {} | {} | {} | {} | in the transaction that writes it | {fixed} |\n",
            action_name(action),
            rules.len(),
            rules
                .iter()
                .map(|rule| rule.severity)
                .max()
                .map_or_else(|| "–".to_owned(), severity),
            consequence(action),
        ));
    }
    text.push('\n');
}

fn telling(text: &mut String, catalogue: &Catalogue) {
    text.push_str(
        "## Who hears of it\n\
         \n\
         | alert policy | looks at | opens when | severity | says |\n|---|---|---|---|---|\n",
    );
    for policy in &catalogue.alert_policies {
        let part = |name: &str| plain(&policy.definition[name]);
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} |\n",
            code(&policy.name),
            match part("on").as_str() {
                "rules" => "the counter of every rule".to_owned(),
                summary => format!("the summary {}", code(summary)),
            },
            code(&part("when")),
            match part("severity").as_str() {
                "" | "inherit" => "that of the rule".to_owned(),
                word => word
                    .parse::<Severity>()
                    .map_or_else(|_| cell(word), severity),
            },
            or_dash(&cell(&part("say"))),
        ));
    }
    if catalogue.alert_policies.is_empty() {
        text.push_str("| none | – | – | – | – |\n");
    }
    text.push_str("\n| route | matches | to |\n|---|---|---|\n");
    for route in &catalogue.routes {
        text.push_str(&format!(
            "| {} | {} | {} |\n",
            cell(&route.name),
            cell(&matches(route)),
            codes(texts(&route.definition["to"]))
        ));
    }
    if catalogue.routes.is_empty() {
        text.push_str("| none | – | – |\n");
    }
    text.push_str("\n| channel | provider | to |\n|---|---|---|\n");
    for channel in &catalogue.channels {
        text.push_str(&format!(
            "| {} | {} | {} |\n",
            code(&channel.name),
            cell(&channel.owner),
            or_dash(&cell(&destination(channel)))
        ));
    }
    if catalogue.channels.is_empty() {
        text.push_str("| none | – | – |\n");
    }
}

fn list(value: &serde_json::Value) -> Vec<serde_json::Value> {
    match value {
        serde_json::Value::Array(items) => items.clone(),
        serde_json::Value::Null => Vec::new(),
        other => vec![other.clone()],
    }
}

fn texts(value: &serde_json::Value) -> Vec<String> {
    list(value).iter().map(plain).collect()
}

fn matches(route: &Declared) -> String {
    let parts: Vec<String> = ["severity", "owner", "table"]
        .into_iter()
        .filter_map(|key| {
            let value = &route.definition[key];
            (!value.is_null()).then(|| format!("{key} {}", texts(value).join(" or ")))
        })
        .collect();
    if parts.is_empty() {
        "everything else".into()
    } else {
        parts.join(" and ")
    }
}

/// Where a channel leads, as far as it is no secret: recipients, an address, a directory.
fn destination(channel: &Declared) -> String {
    // The definition is that of the provider, below its name where the policy reader keeps it so.
    let definition = channel
        .definition
        .get(&channel.owner)
        .unwrap_or(&channel.definition);
    ["to", "url", "directory"]
        .into_iter()
        .map(|key| {
            let parts: Vec<String> = list(&definition[key]).iter().map(setting).collect();
            parts.join(", ")
        })
        .find(|text| !text.is_empty())
        .unwrap_or_default()
}

/// A setting as it is, or the name of the place where it is kept.
fn setting(value: &serde_json::Value) -> String {
    match (value["env"].as_str(), value["file"].as_str()) {
        (Some(name), _) => format!("kept in the environment as {name}"),
        (_, Some(path)) => format!("kept in the file {path}"),
        _ => plain(value),
    }
}
