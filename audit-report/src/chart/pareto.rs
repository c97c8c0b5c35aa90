//! Which few rules cause most of the failures.

use audit_core::Severity;
use audit_schema::metrics::{self, Scope};
use diesel::PgConnection;
use serde::{Deserialize, Serialize};

use super::{Column, Figures, Frame, LISTED, Table, Words};
use crate::canvas::{Area, Type, number};
use crate::dashboard::{says, short_name, size};
use crate::draw::{Pen, Row, Rows};
use crate::error::Result;
use crate::format::{count, percent, thousands};
use crate::style::{LABEL, NOTE};

/// Failures by rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pareto {
    /// The rules that most rows failed, those first.
    pub rules: Vec<ParetoRule>,
    /// How many rules were failed; may be more than are in the list.
    pub in_all: usize,
    /// Failures of all of them.
    pub failed: i64,
}

/// A rule and what failed it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParetoRule {
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
    /// Rows that failed it when they were written in the period.
    pub failed: i64,
    /// Rows that fail it now.
    pub failing: i64,
    /// The share that this rule and those before it have of all failures.
    pub so_far: f64,
}

impl Pareto {
    pub(super) fn load(connection: &mut PgConnection, scope: &Scope) -> Result<Self> {
        let records = metrics::failures_by_rule(connection, scope, LISTED)?;
        let failed = records.first().map_or(0, |record| record.failed_in_all);
        let mut sum = 0;
        Ok(Pareto {
            in_all: records.first().map_or(0, |record| size(record.rules)),
            failed,
            rules: records
                .into_iter()
                .map(|record| {
                    sum += record.failed;
                    ParetoRule {
                        table: short_name(&record.table).to_owned(),
                        says: says(&record.kind, record.definition, &record.name),
                        rule: record.name,
                        severity: record.severity,
                        owner: record.owner,
                        failed: record.failed,
                        failing: record.failing,
                        so_far: sum as f64 / failed.max(1) as f64,
                    }
                })
                .collect(),
        })
    }

    /// How many rules, from the first on, cause four fifths of the failures.
    fn vital(&self) -> Option<usize> {
        let place = self.rules.iter().position(|rule| rule.so_far >= 0.8)?;
        Some(place + 1)
    }
}

impl Figures for Pareto {
    fn words(&self, frame: &Frame) -> Words {
        let head = "Failures by rule";
        Words {
            title: match self.vital() {
                Some(vital) if vital < self.in_all => format!(
                    "{head}: {vital} of {} cause {} of {}",
                    count(self.in_all as i64, "rule", "rules"),
                    percent(self.rules[vital - 1].so_far),
                    thousands(self.failed)
                ),
                _ if self.failed > 0 => format!(
                    "{head}: {} of {}",
                    count(self.failed, "failure", "failures"),
                    count(self.in_all as i64, "rule", "rules")
                ),
                _ => format!("{head}: none"),
            },
            note: format!(
                "Rows that failed when they were written, once for every rule; share: that of the rule and all above it. \
                 Days in {}. Some may have been put right since: the table has what fails now.",
                frame.period.zone.name()
            ),
            description: match self.rules.first() {
                Some(first) => format!(
                    "{} of {}. Most failed {} in {}: {}, {}.",
                    count(self.failed, "failure", "failures"),
                    count(self.in_all as i64, "rule", "rules"),
                    first.says,
                    first.table,
                    thousands(first.failed),
                    percent(first.so_far)
                ),
                None => "No findings in this range.".into(),
            },
        }
    }

    fn table(&self, _: &Frame) -> Table {
        Table {
            columns: vec![
                Column::text("severity"),
                Column::text("table"),
                Column::text("rule"),
                Column::text("owner"),
                Column::number("failed", "rows"),
                Column::number("share so far", "%"),
                Column::number("failing now", "rows"),
            ],
            rows: self
                .rules
                .iter()
                .map(|rule| {
                    vec![
                        rule.severity.to_string(),
                        rule.table.clone(),
                        rule.says.clone(),
                        rule.owner.clone(),
                        thousands(rule.failed),
                        percent(rule.so_far),
                        thousands(rule.failing),
                    ]
                })
                .collect(),
            more: self.in_all.saturating_sub(self.rules.len()),
        }
    }

    fn draw(&self, pen: &mut Pen, area: Area, _: &Frame) -> Result<()> {
        if self.rules.is_empty() {
            pen.empty(area, "no findings in this range");
            return Ok(());
        }
        let palette = pen.palette;
        let aside = (area.width * 0.24).clamp(92.0, 220.0);
        let rows: Vec<Row> = self
            .rules
            .iter()
            .map(|rule| Row {
                sign: Some(rule.severity),
                label: format!("{} · {}", rule.says, rule.table),
                parts: vec![(rule.failed as f64, pen.color(rule.severity))],
                text: thousands(rule.failed),
                mark: None,
            })
            .collect();
        let (middles, _) = pen.rows(
            area.without(0.0, 18.0, 0.0, 0.0),
            &Rows {
                rows: &rows,
                in_all: self.in_all,
                what: ("rule", "rules"),
                top: None,
                aside,
            },
        );
        let column = Area {
            x: area.right() - aside + 16.0,
            width: aside - 16.0 - 52.0,
            ..area
        };
        let look = Type::new(NOTE, palette.quiet);
        pen.canvas
            .text_in(column.x, area.y + 10.0, aside - 16.0, "share so far", look);
        if let (Some(first), Some(last)) = (middles.first(), middles.last()) {
            for share in [0.0, 0.5, 1.0] {
                let x = column.x + column.width * share;
                let (from, to) = ((x, first - 10.0), (x, last + 10.0));
                pen.canvas.line(from, to, palette.hairline, 1.0);
            }
        }
        let points: Vec<(f64, f64)> = self
            .rules
            .iter()
            .zip(&middles)
            .map(|(rule, y)| (column.x + column.width * rule.so_far, *y))
            .collect();
        let path: Vec<String> = points
            .iter()
            .enumerate()
            .map(|(nth, (x, y))| {
                let step = if nth == 0 { 'M' } else { 'L' };
                format!("{step}{} {}", number(*x), number(*y))
            })
            .collect();
        let attributes = format!(
            "fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"",
            palette.series
        );
        pen.canvas.path(&path.concat(), &attributes);
        for ((x, y), rule) in points.into_iter().zip(&self.rules) {
            pen.canvas.circle((x, y), 3.5, palette.series);
            let look = Type::new(LABEL, palette.soft).end();
            pen.canvas
                .text(area.right(), y + 4.0, &percent(rule.so_far), look);
        }
        Ok(())
    }
}
