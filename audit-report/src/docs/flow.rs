//! How the data moves: from a write, through the checks in its transaction, the log and the tick, to people.

mod diagram;
mod picture;

use audit_core::{Action, Severity};
use audit_schema::catalogue::{Catalogue, Declared, DeclaredRule, When};

use super::audited::{action_name, or_dash, plain, rules};
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
    text.push_str("\n```mermaid\n");
    text.push_str(&flow_mermaid(catalogue));
    text.push_str("```\n\n");
    outcomes(&mut text, catalogue);
    telling(&mut text, catalogue);
    text
}

/// How many names of one kind a picture shows.
const MOST: usize = 12;

/// The first names, and how many more there are.
fn few(mut names: Vec<String>) -> Vec<String> {
    if names.len() > MOST {
        let more = names.len() - MOST + 1;
        names.truncate(MOST - 1);
        names.push(format!("and {more} more"));
    }
    names
}

struct Step {
    name: &'static str,
    when: &'static str,
    what: String,
    objects: Vec<&'static str>,
    failure: &'static str,
}

fn steps(catalogue: &Catalogue) -> Vec<Step> {
    let on_rows = |action: Action| {
        rules(catalogue)
            .filter(|rule| rule.when != When::Asked && !rule.shadow && rule.action == action)
            .count()
    };
    let on_trial = rules(catalogue).filter(|rule| rule.shadow).count();
    let asked = rules(catalogue)
        .filter(|rule| rule.when == When::Asked)
        .count();
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
                "Every rule about rows is evaluated over them: {} reject, {} set aside, {} flag{}.",
                on_rows(Action::Reject),
                on_rows(Action::Quarantine),
                on_rows(Action::Flag),
                if on_trial > 0 {
                    format!(", {on_trial} on trial are only counted")
                } else {
                    String::new()
                }
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
            name: "5 ask",
            when: "after each tick, each question in a read-only transaction of its own",
            what: format!(
                "{} asked as time passes: what no write would notice, such as rows that stay away. A wrong answer is a \
                 finding, and the rule fails until an answer is right again.",
                count(asked as i64, "time-driven rule is", "time-driven rules are")
            ),
            objects: vec![
                "audit.time_rule_state",
                "audit.time_rule_transition",
                "audit.time_rule_status",
                "audit.finding",
            ],
            failure: "an error is a state of its own; what failed before goes on failing, unless the rule says otherwise",
        },
        Step {
            name: "6 observe",
            when: "after each tick",
            what: format!(
                "{} looked at: what crosses a threshold opens an episode, what no longer does is resolved.",
                count(catalogue.alert_policies.len() as i64, "alert policy is", "alert policies are")
            ),
            objects: vec!["audit.observe", "audit.alert_policy", "audit.alert", "audit.alert_transition"],
            failure: "a policy that can not be evaluated is reported and the others go on",
        },
        Step {
            name: "7 tell",
            when: "at once, outside of any transaction",
            what: "Messages go to the channels of the first route that matches; they are claimed with a lease, retried with \
                   growing pauses, and never lost."
                .into(),
            objects: vec!["audit.route", "audit.channel", "audit.outbox", "audit.delivery_attempt"],
            failure: "tried again; given up visibly after the last attempt; a channel whose credentials are refused is paused",
        },
        Step {
            name: "8 put right",
            when: "by people, before the deadline of the rule",
            what: "Corrections are writes like any other: they are checked, logged, and take the failure back. What was set \
                   aside is corrected and written again. Alerts are acknowledged."
                .into(),
            objects: vec!["audit.unfixed_failure", "audit.quarantine", "audit.acknowledge", "audit.snooze", "audit.history"],
            failure: "a failure that is older than its deadline counts as overdue",
        },
        Step {
            name: "9 read",
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
    let deadline = "within the deadline of the rule, by its owner";
    let mut line =
        |name: &str, rules: Vec<&DeclaredRule>, what: &str, flagged: &str, fixed: &str| {
            let worst = rules.iter().map(|rule| rule.severity).max();
            text.push_str(&format!(
                "| {name} | {} | {} | {what} | {flagged} | {fixed} |\n",
                rules.len(),
                worst.map_or_else(|| "–".to_owned(), severity),
            ));
        };
    for action in [Action::Reject, Action::Quarantine, Action::Flag] {
        line(
            action_name(action),
            rules(catalogue)
                .filter(|rule| rule.when != When::Asked && !rule.shadow && rule.action == action)
                .collect(),
            consequence(action),
            "in the transaction that writes it",
            match action {
                Action::Reject => "by the writer, before anything is written",
                Action::Quarantine => {
                    "within the deadline of the rule: corrected and written again"
                }
                Action::Flag => deadline,
            },
        );
    }
    line(
        "time-driven",
        rules(catalogue)
            .filter(|rule| rule.when == When::Asked && !rule.shadow)
            .collect(),
        "no row: the table fails, or one of its groups, until an answer is right again",
        "when the tick asks",
        deadline,
    );
    let on_trial: Vec<&DeclaredRule> = rules(catalogue).filter(|rule| rule.shadow).collect();
    if !on_trial.is_empty() {
        line(
            "on trial",
            on_trial,
            "it is counted; nothing is done and nobody is told",
            "as its class says",
            "nothing yet",
        );
    }
    text.push('\n');
}

fn telling(text: &mut String, catalogue: &Catalogue) {
    text.push_str(
        "## Who hears of it\n\
         \n\
         | alert policy | opens when | severity | says | reminders | if nobody takes it on |\n|---|---|---|---|---|---|\n",
    );
    for policy in &catalogue.alert_policies {
        let part = |name: &str| plain(&policy.definition[name]);
        let escalation = &policy.definition["escalate"];
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            code(&policy.name),
            code(&policy.what),
            match part("severity").as_str() {
                "" | "inherit" => "that of the rule".to_owned(),
                word => word
                    .parse::<Severity>()
                    .map_or_else(|_| cell(word), severity),
            },
            or_dash(&cell(&part("say"))),
            match part("repeat_every").as_str() {
                "" => "none".to_owned(),
                every => format!("every {}", cell(every)),
            },
            if escalation.is_null() {
                "–".to_owned()
            } else {
                format!(
                    "after {}: {}",
                    cell(&plain(&escalation["after"])),
                    or_dash(&codes(
                        texts(&escalation["to"])
                            .into_iter()
                            .chain([plain(&escalation["severity"])])
                            .filter(|text| !text.is_empty())
                    ))
                )
            },
        ));
    }
    if catalogue.alert_policies.is_empty() {
        text.push_str("| none | – | – | – | – | – |\n");
    }
    text.push_str("\n| route | what goes where |\n|---|---|\n");
    for route in &catalogue.routes {
        text.push_str(&format!(
            "| {} | {} |\n",
            cell(&route.name),
            or_dash(&cell(&route.what))
        ));
    }
    if catalogue.routes.is_empty() {
        text.push_str("| none | – |\n");
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
