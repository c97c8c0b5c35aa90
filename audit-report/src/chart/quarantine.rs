//! How long rows have waited in quarantine.

use audit_core::Severity;
use audit_schema::metrics::{self, Scope};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use serde::{Deserialize, Serialize};

use super::{Column, Figures, Frame, LISTED, Table, Words};
use crate::canvas::Area;
use crate::dashboard::{short_name, size};
use crate::draw::{Pen, Row, Rows};
use crate::error::Result;
use crate::format::{count, duration, thousands};

/// Rows that wait, by rule and by how long they have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quarantine {
    /// The rules with most rows first. A row that fails two rules counts for both.
    pub rules: Vec<HeldByRule>,
    /// How many rules there are; may be more than are in the list.
    pub in_all: usize,
    /// Rows that wait, each counted once.
    pub held: i64,
    /// When the oldest was set aside.
    pub oldest_held_at: Option<DateTime<Utc>>,
}

/// Rows that wait because of one rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldByRule {
    /// The table, without its schema where that is `public`.
    pub table: String,
    /// The rule.
    pub rule: String,
    /// How bad a failure is.
    pub severity: Severity,
    /// Who has to see to it.
    pub owner: String,
    /// Under an hour, under a day, under 7 days, under 30 days, longer.
    pub held: Vec<i64>,
    /// When the oldest was set aside.
    pub oldest_held_at: DateTime<Utc>,
}

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;
/// Where classes of age end, in seconds, and what they are called.
const AGES: [i64; 4] = [HOUR, DAY, 7 * DAY, 30 * DAY];
const NAMES: [&str; 5] = [
    "under 1 hour",
    "under 1 day",
    "under 7 days",
    "under 30 days",
    "30 days or longer",
];

impl Quarantine {
    pub(super) fn load(
        connection: &mut PgConnection,
        scope: &Scope,
        frame: &Frame,
    ) -> Result<Self> {
        let all = metrics::quarantine(connection, scope)?;
        let rules = metrics::quarantine_ages(connection, scope, frame.as_of, &AGES, LISTED)?;
        Ok(Quarantine {
            in_all: rules.first().map_or(0, |rule| size(rule.rules)),
            held: all.held,
            oldest_held_at: all.oldest_held_at,
            rules: rules
                .into_iter()
                .map(|rule| HeldByRule {
                    table: short_name(&rule.table).to_owned(),
                    rule: rule.rule,
                    severity: rule.severity,
                    owner: rule.owner,
                    held: rule.held,
                    oldest_held_at: rule.oldest_held_at,
                })
                .collect(),
        })
    }

    fn oldest(&self, frame: &Frame) -> Option<String> {
        let at = self.oldest_held_at?;
        Some(duration((frame.as_of - at).max(TimeDelta::zero())))
    }
}

impl Figures for Quarantine {
    fn words(&self, frame: &Frame) -> Words {
        let head = "Rows in quarantine, by rule and age";
        let oldest = self.oldest(frame);
        let told = match &oldest {
            Some(oldest) => format!(
                "{}, the oldest for {oldest}",
                count(self.held, "row waits", "rows wait")
            ),
            None => "none".into(),
        };
        Words {
            title: format!("{head}: {told}"),
            note: format!(
                "Rows that wait now, from when they were set aside to {} in {}. A row that fails two rules is in both bars.",
                frame.local(frame.as_of),
                frame.period.zone.name()
            ),
            description: match self.rules.first() {
                Some(first) => format!(
                    "{told}. Most wait for {} in {}: {}.",
                    first.rule,
                    first.table,
                    thousands(first.held.iter().sum())
                ),
                None => "No row waits in quarantine.".into(),
            },
        }
    }

    fn table(&self, frame: &Frame) -> Table {
        let mut columns = vec![
            Column::text("severity"),
            Column::text("table"),
            Column::text("rule"),
            Column::text("owner"),
        ];
        columns.extend(NAMES.map(|name| Column::number(name, "rows")));
        columns.push(Column::text("oldest since"));
        Table {
            columns,
            rows: self
                .rules
                .iter()
                .map(|rule| {
                    let mut row = vec![
                        rule.severity.to_string(),
                        rule.table.clone(),
                        rule.rule.clone(),
                        rule.owner.clone(),
                    ];
                    row.extend(rule.held.iter().map(|rows| thousands(*rows)));
                    row.push(frame.local(rule.oldest_held_at));
                    row
                })
                .collect(),
            more: self.in_all.saturating_sub(self.rules.len()),
        }
    }

    fn draw(&self, pen: &mut Pen, area: Area, frame: &Frame) -> Result<()> {
        if self.rules.is_empty() {
            pen.empty(area, "no row waits in quarantine");
            return Ok(());
        }
        let heat = pen.palette.heat;
        let rows: Vec<Row> = self
            .rules
            .iter()
            .map(|rule| Row {
                sign: Some(rule.severity),
                label: format!("{} · {}", rule.rule.replace('_', " "), rule.table),
                parts: rule
                    .held
                    .iter()
                    .zip(heat)
                    .map(|(rows, color)| (*rows as f64, color))
                    .collect(),
                text: format!(
                    "{}, oldest {}",
                    thousands(rule.held.iter().sum()),
                    duration((frame.as_of - rule.oldest_held_at).max(TimeDelta::zero()))
                ),
                mark: None,
            })
            .collect();
        let entries: Vec<_> = heat.into_iter().zip(NAMES.map(str::to_owned)).collect();
        pen.legend(area, area.y + 10.0, &entries);
        pen.rows(
            area.without(0.0, 24.0, 0.0, 0.0),
            &Rows {
                rows: &rows,
                in_all: self.in_all,
                what: ("rule", "rules"),
                top: None,
                aside: 0.0,
            },
        );
        Ok(())
    }
}
