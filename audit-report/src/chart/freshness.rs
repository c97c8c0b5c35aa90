//! Since when tables are silent, against how long they may be.

use audit_core::Severity;
use audit_schema::metrics::{self, Scope};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use serde::{Deserialize, Serialize};

use super::{Column, Figures, Frame, LISTED, Table, Words};
use crate::canvas::Area;
use crate::dashboard::{Seconds, short_name, size};
use crate::draw::{Pen, Row, Rows};
use crate::error::Result;
use crate::format::{duration, percent, thousands};

/// How old the newest of every table is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Freshness {
    /// Those that take up most of their limit first, then tables without a limit.
    pub entries: Vec<Fresh>,
    /// How many there are; may be more than are in the list.
    pub in_all: usize,
    /// How many of them are older than they may be.
    pub too_old: usize,
}

/// How old the newest change of a table is, or the newest value that a rule looks at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fresh {
    /// The table, without its schema where that is `public`.
    pub table: String,
    /// The rule that says how old it may be; null for a table without one.
    pub rule: Option<String>,
    /// The group of the rule, in words; empty without groups.
    pub group: String,
    /// How bad it is when it is too old.
    pub severity: Option<Severity>,
    /// Who has to see to it.
    pub owner: String,
    /// The newest change, or value; null if there is none.
    pub newest: Option<DateTime<Utc>>,
    /// How old it is. Where a rule counts only certain hours, so does this.
    pub age: Option<Seconds>,
    /// How old it may be.
    pub limit: Option<Seconds>,
}

impl Fresh {
    /// Its age as a share of its limit.
    fn share(&self) -> Option<f64> {
        let (age, limit) = (self.age?, self.limit?);
        (limit > 0).then(|| age as f64 / limit as f64)
    }

    fn too_old(&self) -> bool {
        self.share().is_some_and(|share| share > 1.0)
    }

    fn name(&self) -> String {
        if self.group.is_empty() {
            self.table.clone()
        } else {
            format!("{} · {}", self.table, self.group)
        }
    }

    fn says(&self) -> String {
        let long = |seconds: Seconds| duration(TimeDelta::seconds(seconds));
        match (self.age, self.limit) {
            (Some(age), Some(limit)) => format!("{} of {}", long(age), long(limit)),
            (Some(age), None) => format!("{}, no limit", long(age)),
            (None, Some(limit)) => format!("nothing yet, of {}", long(limit)),
            (None, None) => "nothing yet".into(),
        }
    }
}

impl Freshness {
    pub(super) fn load(
        connection: &mut PgConnection,
        scope: &Scope,
        frame: &Frame,
    ) -> Result<Self> {
        let entries = metrics::freshness(connection, scope, frame.as_of, LISTED)?;
        Ok(Freshness {
            in_all: entries.first().map_or(0, |entry| size(entry.entries)),
            too_old: entries.first().map_or(0, |entry| size(entry.too_old)),
            entries: entries
                .into_iter()
                .map(|entry| Fresh {
                    table: short_name(&entry.table).to_owned(),
                    rule: entry.rule,
                    group: entry.group,
                    severity: entry.severity,
                    owner: entry.owner,
                    newest: entry.newest,
                    age: entry.seconds.map(|seconds| seconds as i64),
                    limit: entry.limit.map(|seconds| seconds as i64),
                })
                .collect(),
        })
    }
}

impl Figures for Freshness {
    fn words(&self, frame: &Frame) -> Words {
        let limits = self.entries.iter().any(|entry| entry.limit.is_some());
        Words {
            title: match (self.too_old, limits, self.in_all) {
                (_, _, 0) => "How long tables have been silent".into(),
                (0, true, _) => "How long tables have been silent: none longer than allowed".into(),
                (0, false, _) => "How long tables have been silent".into(),
                (late, ..) => format!(
                    "How long tables have been silent: {} of {} longer than allowed",
                    thousands(late as i64),
                    thousands(self.in_all as i64)
                ),
            },
            note: format!(
                "From the newest change, or the newest value of a column as the tick found it last, to {} in {}. Bars show the \
                 share of what the rule allows, which the line marks.",
                frame.local(frame.as_of),
                frame.period.zone.name()
            ),
            description: if self.entries.is_empty() {
                "No table is watched.".into()
            } else {
                let first: Vec<String> = self
                    .entries
                    .iter()
                    .take(3)
                    .map(|entry| format!("{} {}", entry.name(), entry.says()))
                    .collect();
                format!(
                    "{} of {} silent for longer than allowed: {}.",
                    self.too_old,
                    self.in_all,
                    first.join("; ")
                )
            },
        }
    }

    fn table(&self, frame: &Frame) -> Table {
        let long = |length: Option<Seconds>| {
            length.map_or_else(String::new, |seconds| duration(TimeDelta::seconds(seconds)))
        };
        Table {
            columns: vec![
                Column::text("table"),
                Column::text("rule"),
                Column::text("owner"),
                Column::text("newest"),
                Column::text("silent for"),
                Column::text("may be"),
                Column::number("taken up", "% of the limit"),
            ],
            rows: self
                .entries
                .iter()
                .map(|entry| {
                    vec![
                        entry.name(),
                        entry.rule.clone().unwrap_or_default(),
                        entry.owner.clone(),
                        entry.newest.map_or_else(String::new, |at| frame.local(at)),
                        long(entry.age),
                        long(entry.limit),
                        entry.share().map_or_else(String::new, percent),
                    ]
                })
                .collect(),
            more: self.in_all.saturating_sub(self.entries.len()),
        }
    }

    fn draw(&self, pen: &mut Pen, area: Area, _: &Frame) -> Result<()> {
        if self.entries.is_empty() {
            pen.empty(area, "no table is watched");
            return Ok(());
        }
        let good = pen.palette.good;
        let highest = self
            .entries
            .iter()
            .filter_map(Fresh::share)
            .fold(1.25, f64::max);
        let rows: Vec<Row> = self
            .entries
            .iter()
            .map(|entry| {
                let color = match entry.severity {
                    Some(severity) if entry.too_old() => pen.color(severity),
                    _ => good,
                };
                Row {
                    sign: entry.severity.filter(|_| entry.too_old()),
                    label: entry.name(),
                    parts: entry
                        .share()
                        .map(|share| (share, color))
                        .into_iter()
                        .collect(),
                    text: entry.says(),
                    mark: entry.limit.map(|_| 1.0),
                }
            })
            .collect();
        pen.rows(
            area,
            &Rows {
                rows: &rows,
                in_all: self.in_all,
                what: ("entry", "entries"),
                // What is far too old is an arrow: how far is in its words.
                top: Some(highest.min(3.0)),
                aside: 0.0,
            },
        );
        Ok(())
    }
}
