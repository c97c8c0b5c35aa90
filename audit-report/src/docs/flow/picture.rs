//! The flow as a picture: cards in five stages.

use audit_core::{Action, Severity};
use audit_schema::catalogue::{Catalogue, DeclaredRule, When};

use super::super::audited::rules;
use super::{MOST, few};
use crate::canvas::{Area, Canvas, Type};
use crate::font::Weight;
use crate::format::count;
use crate::style::{LABEL, NOTE, Palette, Style, TITLE};

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
    let all = rules(catalogue).count();
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
            count(all as i64, "rule", "rules"),
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
        few(names).into_iter().map(|name| (None, name)).collect()
    };
    let mut tables: Vec<Card> = catalogue
        .watched
        .iter()
        .take(MOST)
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
    if let Some(more) = catalogue
        .watched
        .len()
        .checked_sub(MOST)
        .filter(|more| *more > 0)
    {
        tables.push(Card {
            title: format!("and {} more", count(more as i64, "table", "tables")),
            lines: Vec::new(),
            note: "all of them: audited-objects.md".into(),
            strip: None,
        });
    }
    let those = |which: &dyn Fn(&DeclaredRule) -> bool| {
        by_severity(
            &mut rules(catalogue)
                .filter(|rule| !rule.shadow && which(rule))
                .map(|rule| rule.severity),
        )
    };
    let acting = |action: Action| those(&|rule| rule.when != When::Asked && rule.action == action);
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
        Card {
            title: "time-driven rules".into(),
            lines: those(&|rule| rule.when == When::Asked),
            note: "asked as time passes".into(),
            strip: None,
        },
    ];
    let policies: Vec<(Option<Severity>, String)> = catalogue
        .alert_policies
        .iter()
        .take(MOST)
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
            let mut spans: Vec<String> = rules(catalogue)
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
