//! How the data moves: from a write, through the checks in its transaction, the log and the tick, to people.

use audit_core::{Action, Severity};
use audit_schema::catalogue::{Catalogue, Declared};

use super::audited::{action_name, or_dash, plain};
use super::entities::link;
use super::markdown::{cell, code, codes, consequence, label, severity};
use crate::canvas::{Area, Canvas, Type};
use crate::font::Weight;
use crate::format::count;
use crate::style::{LABEL, NOTE, Palette, Style, TITLE};

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

/// The flow as a Mermaid diagram.
pub fn flow_mermaid(catalogue: &Catalogue) -> String {
    let mut text = String::from("flowchart LR\n");
    text.push_str("    subgraph write [\"in the writer's transaction\"]\n");
    let tables: Vec<String> = catalogue
        .watched
        .iter()
        .map(|table| label(&table.name))
        .collect();
    text.push_str(&format!(
        "        tables[\"{}\"]\n",
        if tables.is_empty() {
            "watched tables".to_owned()
        } else {
            tables.join("<br/>")
        }
    ));
    text.push_str(
        "        check{\"every rule, over all rows of the statement\"}\n\
         \x20       reject[\"reject: the statement fails\"]\n\
         \x20       quarantine[(\"audit.quarantine\")]\n\
         \x20       finding[(\"audit.finding\")]\n\
         \x20       change[(\"audit.change\")]\n\
         \x20   end\n\
         \x20   subgraph tick [\"audit.tick\"]\n\
         \x20       segment[(\"audit.segment, sealed\")]\n\
         \x20       counters[(\"counters\")]\n",
    );
    let summaries: Vec<String> = catalogue
        .watched
        .iter()
        .flat_map(|table| &table.summaries)
        .map(|summary| label(&summary.name))
        .collect();
    text.push_str(&format!(
        "        summaries[(\"{}\")]\n    end\n",
        if summaries.is_empty() {
            "summaries".to_owned()
        } else {
            format!("summaries:<br/>{}", summaries.join("<br/>"))
        }
    ));
    let policies: Vec<String> = catalogue
        .alert_policies
        .iter()
        .map(|policy| label(&policy.name))
        .collect();
    let channels: Vec<String> = catalogue
        .channels
        .iter()
        .map(|channel| label(&channel.name))
        .collect();
    text.push_str(&format!(
        "    subgraph telling [\"alerts\"]\n        policies{{\"{}\"}}\n        alert[(\"audit.alert\")]\n        outbox[(\"audit.outbox\")]\n        channels[\"{}\"]\n    end\n",
        if policies.is_empty() { "alert policies".to_owned() } else { format!("alert policies:<br/>{}", policies.join("<br/>")) },
        if channels.is_empty() { "channels".to_owned() } else { format!("channels: {}", channels.join(", ")) }
    ));
    text.push_str(
        "    people([\"people who put it right\"])\n\
         \x20   dashboard[\"dashboard, SQL\"]\n\
         \x20   tables --> check\n\
         \x20   check -- \"a reject rule failed\" --> reject\n\
         \x20   check -- \"a quarantine rule failed\" --> quarantine\n\
         \x20   check -- \"any rule failed\" --> finding\n\
         \x20   check -- \"always\" --> change\n\
         \x20   change --> segment\n\
         \x20   change --> counters\n\
         \x20   change --> summaries\n\
         \x20   finding --> counters\n\
         \x20   counters --> policies\n\
         \x20   summaries --> policies\n\
         \x20   policies --> alert --> outbox --> channels --> people\n\
         \x20   counters --> dashboard\n\
         \x20   alert --> dashboard\n\
         \x20   dashboard --> people\n\
         \x20   quarantine -- \"looked after\" --> people\n\
         \x20   people -- \"corrections are writes\" --> tables\n",
    );
    text
}

const WIDTH: f64 = 1600.0;
const MARGIN: f64 = 32.0;

struct Card {
    title: String,
    lines: Vec<(Option<Severity>, String)>,
    note: String,
    strip: Option<&'static str>,
}

/// The flow as a picture: five stages from left to right, with the tables, summaries, policies and channels of the
/// policy that is applied.
pub fn flow_svg(catalogue: &Catalogue) -> String {
    let palette = Style::light().palette();
    let stages = stages(catalogue);
    let width = (WIDTH - 2.0 * MARGIN - 4.0 * 44.0) / 5.0;
    let top = 132.0;
    let tallest = stages
        .iter()
        .map(|(_, _, cards)| cards.iter().map(|card| height(card) + 16.0).sum::<f64>())
        .fold(0.0, f64::max);
    let loop_y = top + tallest + 28.0;
    let style = Style {
        width: WIDTH as u32,
        height: (loop_y + 64.0) as u32,
        ..Style::light()
    };
    let mut canvas = Canvas::new(&style);
    canvas.text(
        MARGIN,
        44.0,
        "From a write to the person who puts it right",
        Type::new(22.0, palette.ink).bold(),
    );
    let rules = catalogue
        .watched
        .iter()
        .map(|table| table.rules.len())
        .sum::<usize>();
    canvas.text(
        MARGIN,
        66.0,
        &format!(
            "{}, {}, {}, {}",
            count(
                catalogue.watched.len() as i64,
                "watched table",
                "watched tables"
            ),
            count(rules as i64, "rule", "rules"),
            count(
                catalogue
                    .watched
                    .iter()
                    .map(|table| table.summaries.len())
                    .sum::<usize>() as i64,
                "summary",
                "summaries"
            ),
            count(
                catalogue.alert_policies.len() as i64,
                "alert policy",
                "alert policies"
            ),
        ),
        Type::new(LABEL, palette.quiet),
    );
    for (place, (title, when, cards)) in stages.iter().enumerate() {
        let x = MARGIN + (width + 44.0) * place as f64;
        canvas.text(x, top - 34.0, title, Type::new(TITLE, palette.ink).bold());
        canvas.text_in(x, top - 16.0, width, when, Type::new(NOTE, palette.quiet));
        let mut y = top;
        for card in cards {
            let area = Area {
                x,
                y,
                width,
                height: height(card),
            };
            draw_card(&mut canvas, area, card, palette);
            y += area.height + 16.0;
        }
        if place > 0 {
            arrow(&mut canvas, (x - 38.0, top + 20.0), x - 6.0, palette.series);
        }
    }
    // What people correct is written again: the way back.
    let (right, left) = (
        MARGIN + (width + 44.0) * 4.0 + width / 2.0,
        MARGIN + width / 2.0,
    );
    let last: f64 = stages[4].2.iter().map(|card| height(card) + 16.0).sum();
    let first: f64 = stages[0].2.iter().map(|card| height(card) + 16.0).sum();
    let stroke = format!(
        "fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\" stroke-dasharray=\"5 4\"",
        palette.series
    );
    canvas.path(
        &format!(
            "M{right} {}V{loop_y}H{left}V{}",
            top + last - 10.0,
            top + first - 4.0
        ),
        &stroke,
    );
    let tip = top + first - 10.0;
    canvas.path(
        &format!(
            "M{} {}L{left} {tip}L{} {}Z",
            left - 5.0,
            tip + 9.0,
            left + 5.0,
            tip + 9.0
        ),
        &format!("fill=\"{}\"", palette.series),
    );
    canvas.text(
        (left + right) / 2.0,
        loop_y + 20.0,
        "corrections are writes like any other: checked, logged, and they take the failure back",
        Type::new(LABEL, palette.soft).middle(),
    );
    canvas.finish(
        "Flow of the data",
        "Five stages: a write, the checks in its transaction, the tick, alerts, and people.",
    )
}

fn stages(catalogue: &Catalogue) -> Vec<(&'static str, &'static str, Vec<Card>)> {
    let by_severity =
        |rules: &mut dyn Iterator<Item = Severity>| -> Vec<(Option<Severity>, String)> {
            let all: Vec<Severity> = rules.collect();
            Severity::ALL
                .into_iter()
                .map(|level| (level, all.iter().filter(|other| **other == level).count()))
                .filter(|(_, number)| *number > 0)
                .map(|(level, number)| {
                    let word = if level == Severity::Critical {
                        "business critical"
                    } else {
                        level.name()
                    };
                    (
                        Some(level),
                        format!("{} {word}", count(number as i64, "rule", "rules")),
                    )
                })
                .collect()
        };
    let plain_lines = |names: Vec<String>| -> Vec<(Option<Severity>, String)> {
        names.into_iter().map(|name| (None, name)).collect()
    };
    let tables = catalogue
        .watched
        .iter()
        .map(|table| Card {
            title: table.name.clone(),
            lines: by_severity(&mut table.rules.iter().map(|rule| rule.severity)),
            note: table.owner.clone(),
            strip: table
                .rules
                .iter()
                .map(|rule| rule.severity)
                .max()
                .map(|worst| worst.color(audit_core::Theme::Light)),
        })
        .collect();
    let acting = |action: Action| -> Vec<(Option<Severity>, String)> {
        by_severity(
            &mut catalogue
                .watched
                .iter()
                .flat_map(|table| &table.rules)
                .filter(|rule| rule.action == action)
                .map(|rule| rule.severity),
        )
    };
    let checks = vec![
        Card {
            title: "always: audit.change".into(),
            lines: plain_lines(vec![
                "one append for the statement:".into(),
                "who, when, before, after".into(),
            ]),
            note: "commits or rolls back with the data".into(),
            strip: None,
        },
        Card {
            title: "reject".into(),
            lines: acting(Action::Reject),
            note: "the statement fails; fixed by the writer".into(),
            strip: None,
        },
        Card {
            title: "quarantine: audit.quarantine".into(),
            lines: acting(Action::Quarantine),
            note: "set aside before anybody reads it".into(),
            strip: None,
        },
        Card {
            title: "flag: audit.finding".into(),
            lines: acting(Action::Flag),
            note: "written, marked, fixed within a deadline".into(),
            strip: None,
        },
    ];
    let tick = vec![
        Card {
            title: "audit.segment".into(),
            lines: plain_lines(vec!["packed, sealed, chained".into()]),
            note: "tampering shows in audit.verify".into(),
            strip: None,
        },
        Card {
            title: "counters".into(),
            lines: plain_lines(vec![
                "rows and failures now".into(),
                "by hour, rule, writer".into(),
            ]),
            note: "exact at every moment".into(),
            strip: None,
        },
        Card {
            title: "summaries".into(),
            lines: plain_lines(
                catalogue
                    .watched
                    .iter()
                    .flat_map(|table| &table.summaries)
                    .map(|one| one.name.clone())
                    .collect(),
            ),
            note: "exact at every moment".into(),
            strip: None,
        },
    ];
    let policies: Vec<(Option<Severity>, String)> = catalogue
        .alert_policies
        .iter()
        .map(|policy| {
            (
                policy.definition["severity"]
                    .as_str()
                    .and_then(|word| word.parse().ok()),
                policy.name.clone(),
            )
        })
        .collect();
    let alerts = vec![
        Card {
            title: "alert policies".into(),
            lines: policies,
            note: "looked at after every tick".into(),
            strip: None,
        },
        Card {
            title: "audit.alert".into(),
            lines: plain_lines(vec![
                "pending, firing, acknowledged,".into(),
                "snoozed, resolved".into(),
            ]),
            note: "one open episode for each subject".into(),
            strip: None,
        },
        Card {
            title: "audit.outbox".into(),
            lines: plain_lines(
                catalogue
                    .channels
                    .iter()
                    .map(|channel| format!("{} ({})", channel.name, channel.owner))
                    .collect(),
            ),
            note: "retried, never lost".into(),
            strip: None,
        },
    ];
    let deadlines: Vec<(Option<Severity>, String)> = Severity::ALL
        .into_iter()
        .filter_map(|level| {
            let mut spans: Vec<String> = catalogue
                .watched
                .iter()
                .flat_map(|table| &table.rules)
                .filter(|rule| rule.severity == level && rule.action != Action::Reject)
                .map(|rule| {
                    if rule.fix_within.is_empty() {
                        "no deadline".to_owned()
                    } else {
                        format!("fixes within {}", rule.fix_within)
                    }
                })
                .collect();
            spans.sort_unstable();
            spans.dedup();
            (!spans.is_empty()).then(|| (Some(level), spans.join(", ")))
        })
        .collect();
    let people = vec![
        Card {
            title: "owner of the rule".into(),
            lines: deadlines,
            note: "the time to fix runs from the write".into(),
            strip: None,
        },
        Card {
            title: "operator".into(),
            lines: plain_lines(vec![
                "acknowledges and snoozes alerts".into(),
                "looks after what was set aside".into(),
            ]),
            note: "audit_operator".into(),
            strip: None,
        },
        Card {
            title: "reader".into(),
            lines: plain_lines(vec!["dashboard, reports, SQL".into()]),
            note: "audit_reader".into(),
            strip: None,
        },
    ];
    vec![
        ("1  Write", "an application changes a watched table", tables),
        (
            "2  Check and log",
            "in the transaction of the writer",
            checks,
        ),
        ("3  Tick", "audit.tick: what can no longer change", tick),
        ("4  Alert and tell", "after every tick", alerts),
        (
            "5  Put right and read",
            "people, before the deadline",
            people,
        ),
    ]
}

fn height(card: &Card) -> f64 {
    34.0 + 17.0 * card.lines.len() as f64 + if card.note.is_empty() { 0.0 } else { 20.0 }
}

fn draw_card(canvas: &mut Canvas, area: Area, card: &Card, palette: &Palette) {
    canvas.outline(area, palette.border, 8.0);
    if let Some(color) = card.strip {
        let strip = Area {
            x: area.x - 1.0,
            y: area.y + 10.0,
            width: 3.0,
            height: area.height - 20.0,
        };
        canvas.rectangle(strip, color, 1.5);
    }
    let room = area.width - 28.0;
    canvas.text_in(
        area.x + 14.0,
        area.y + 22.0,
        room,
        &card.title,
        Type::new(13.0, palette.ink).bold(),
    );
    let mut y = area.y + 41.0;
    for (level, line) in &card.lines {
        let mut x = area.x + 14.0;
        if let Some(level) = level {
            canvas.sign(
                *level,
                (x + 4.5, y - 4.0),
                8.0,
                level.color(audit_core::Theme::Light),
            );
            x += 15.0;
        }
        canvas.text_in(
            x,
            y,
            area.right() - 14.0 - x,
            line,
            Type::new(LABEL, palette.soft),
        );
        y += 17.0;
    }
    if !card.note.is_empty() {
        let note = crate::font::fit(&card.note, NOTE, Weight::Regular, room);
        canvas.text(
            area.x + 14.0,
            y + 2.0,
            &note,
            Type::new(NOTE, palette.quiet),
        );
    }
}

fn arrow(canvas: &mut Canvas, from: (f64, f64), to: f64, ink: &str) {
    let (x, y) = from;
    canvas.line((x, y), (to - 8.0, y), ink, 1.5);
    canvas.path(
        &format!(
            "M{} {}L{to} {y}L{} {}Z",
            to - 9.0,
            y - 5.0,
            to - 9.0,
            y + 5.0
        ),
        &format!("fill=\"{ink}\""),
    );
}
