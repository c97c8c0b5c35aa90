//! Which share of the written rows passed each rule, over time.

use std::collections::HashMap;

use audit_core::Severity;
use audit_schema::metrics::{self, Scope};
use chrono::NaiveDateTime;
use diesel::PgConnection;
use serde::{Deserialize, Serialize};

use super::{Column, Figures, Frame, Table, Words};
use crate::canvas::{Area, Type};
use crate::dashboard::{says, short_name, size};
use crate::draw::{Line, Pen, Scale};
use crate::error::Result;
use crate::format::{count, percent};
use crate::style::NOTE;

/// How rows fared that were written in the period.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PassRate {
    /// The rules that the largest share failed, those first.
    pub rules: Vec<RulePassRate>,
    /// How many rules were asked; may be more than are in the list.
    pub in_all: usize,
}

/// How the rows that were written to the table of a rule fared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RulePassRate {
    /// The table, without its schema where that is `public`.
    pub table: String,
    /// What the rule says, in words.
    pub says: String,
    /// Its name.
    pub rule: String,
    /// How bad a failure is.
    pub severity: Severity,
    /// Who has to put it right.
    pub owner: String,
    /// Rows inserted and updated.
    pub checked: i64,
    /// Those of them that failed.
    pub failed: i64,
    /// The same by step of time; steps in which nothing was written are left out.
    pub steps: Vec<PassRateStep>,
}

/// How the rows of a step fared.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PassRateStep {
    /// Its beginning, in local time.
    pub start: NaiveDateTime,
    /// Rows inserted and updated.
    pub checked: i64,
    /// Those of them that failed.
    pub failed: i64,
}

fn share(checked: i64, failed: i64) -> f64 {
    if checked > 0 {
        (1.0 - failed as f64 / checked as f64).clamp(0.0, 1.0)
    } else {
        1.0
    }
}

impl RulePassRate {
    /// The share of rows that passed, from 0 to 1.
    pub fn share(&self) -> f64 {
        share(self.checked, self.failed)
    }
}

impl PassRateStep {
    /// The share of rows that passed, from 0 to 1.
    pub fn share(&self) -> f64 {
        share(self.checked, self.failed)
    }
}

/// How many lines a picture has room for, and how many a table has columns for.
const SERIES: i64 = 6;

impl PassRate {
    pub(super) fn load(connection: &mut PgConnection, scope: &Scope) -> Result<Self> {
        let records = metrics::pass_rates(connection, scope, SERIES)?;
        let ids: Vec<i32> = records.iter().map(|record| record.rule_id).collect();
        let mut steps: HashMap<i32, Vec<PassRateStep>> = HashMap::new();
        for step in metrics::rule_steps(connection, scope, &ids)? {
            steps.entry(step.rule_id).or_default().push(PassRateStep {
                start: step.start,
                checked: step.checked,
                failed: step.failed,
            });
        }
        Ok(PassRate {
            in_all: records.first().map_or(0, |record| size(record.rules)),
            rules: records
                .into_iter()
                .map(|record| RulePassRate {
                    table: short_name(&record.table).to_owned(),
                    says: says(&record.kind, record.definition, &record.name),
                    rule: record.name,
                    severity: record.severity,
                    owner: record.owner,
                    checked: record.checked,
                    failed: record.failed,
                    steps: steps.remove(&record.rule_id).unwrap_or_default(),
                })
                .collect(),
        })
    }

    fn failing(&self) -> impl Iterator<Item = &RulePassRate> {
        self.rules.iter().filter(|rule| rule.failed > 0)
    }
}

impl Figures for PassRate {
    fn words(&self, frame: &Frame) -> Words {
        let step = frame.period.step.name();
        let title = match self.failing().next() {
            Some(worst) => format!(
                "Share of written rows that passed, by rule and {step}: lowest {} in {}, {}",
                worst.says,
                worst.table,
                percent(worst.share())
            ),
            None => format!("Share of written rows that passed, by rule and {step}"),
        };
        Words {
            title,
            note: format!(
                "1 − rows that failed when they were written ÷ rows inserted and updated, of rules in force. Not of all rows \
                 in the table, and without those that were refused. Times in {}.",
                frame.period.zone.name()
            ),
            description: if self.failing().next().is_none() {
                self.silence().to_owned() + "."
            } else {
                let worst: Vec<String> = self
                    .failing()
                    .take(3)
                    .map(|rule| {
                        format!(
                            "{} in {}: {} of {}",
                            rule.says,
                            rule.table,
                            percent(rule.share()),
                            count(rule.checked, "row", "rows")
                        )
                    })
                    .collect();
                format!(
                    "Of {}, the fewest written rows passed {}.",
                    count(self.in_all as i64, "rule", "rules"),
                    worst.join("; ")
                )
            },
        }
    }

    fn table(&self, frame: &Frame) -> Table {
        let mut columns = vec![Column::text(frame.period.step.name())];
        columns.extend(self.rules.iter().map(|rule| {
            Column::number(
                format!("{} · {}", rule.table, rule.says),
                "% of written rows",
            )
        }));
        let rows = frame
            .period
            .steps()
            .into_iter()
            .map(|start| {
                std::iter::once(frame.period.step.label(start))
                    .chain(self.rules.iter().map(|rule| {
                        let found = rule.steps.iter().find(|step| step.start == start);
                        found.map_or_else(String::new, |step| percent(step.share()))
                    }))
                    .collect()
            })
            .collect();
        Table {
            columns,
            rows,
            more: 0,
        }
    }

    fn draw(&self, pen: &mut Pen, area: Area, frame: &Frame) -> Result<()> {
        let starts = frame.period.steps();
        let mut lines: Vec<Line> = self
            .failing()
            .map(|rule| {
                let shares: HashMap<NaiveDateTime, f64> = rule
                    .steps
                    .iter()
                    .map(|step| (step.start, step.share()))
                    .collect();
                Line {
                    name: format!("{} · {}", rule.says, rule.table),
                    text: percent(rule.share()),
                    sign: Some(rule.severity),
                    color: pen.color(rule.severity),
                    dashed: false,
                    dots: false,
                    width: 1.75,
                    points: starts
                        .iter()
                        .enumerate()
                        .map(|(place, start)| {
                            let x = (place as f64 + 0.5) / starts.len() as f64;
                            (x, shares.get(start).copied())
                        })
                        .collect(),
                }
            })
            .collect();
        if lines.is_empty() {
            pen.empty(area, self.silence());
            return Ok(());
        }
        // Two rules of one severity have one colour; a dash tells the second from the first.
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for line in &mut lines {
            let place = seen.entry(line.color).or_default();
            line.dashed = *place % 2 == 1;
            *place += 1;
        }
        let ends = Pen::room_of_ends(area, &lines);
        let plot = area.without(56.0, 8.0, ends, 44.0);
        let fits = ((plot.height + 12.0) / 30.0) as usize;
        lines.truncate(fits.max(1));
        let lowest = lines
            .iter()
            .flat_map(|line| line.points.iter().filter_map(|(_, share)| *share))
            .fold(1.0, f64::min);
        let scale = Scale::shares(lowest);
        pen.grid(plot, &scale);
        pen.lines(plot, &scale, &lines);
        let shown = pen.ends(plot, &scale, &lines, ends);
        pen.time_labels(plot, &starts, frame.period.step);
        let mut foot = "beside each line: its share over the whole range".to_owned();
        if self.in_all > shown {
            let more = count((self.in_all - shown) as i64, "rule", "rules");
            foot = format!("and {more} more that larger shares passed · {foot}");
        }
        let look = Type::new(NOTE, pen.palette.quiet);
        let y = area.bottom() - 2.0;
        pen.canvas.text_in(area.x, y, area.width, &foot, look);
        Ok(())
    }
}

impl PassRate {
    fn silence(&self) -> &'static str {
        if self.in_all == 0 {
            "no rows were written to a table with rules in this range"
        } else {
            "every row that was written passed every rule"
        }
    }
}
