//! How good each table is.

use audit_schema::metrics::{self, Scope};
use diesel::PgConnection;
use serde::{Deserialize, Serialize};

use super::{Column, Figures, Frame, LISTED, Table, Words};
use crate::canvas::Area;
use crate::dashboard::{TableQuality, read_quality};
use crate::draw::Pen;
use crate::error::Result;
use crate::format::{count, percent, points, thousands};
use crate::words;

/// Quality of the watched tables.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// The worst first; those without rows last.
    pub tables: Vec<TableQuality>,
    /// How many tables there are; may be more than are in the list.
    pub in_all: usize,
}

impl Quality {
    pub(super) fn load(connection: &mut PgConnection, scope: &Scope) -> Result<Self> {
        let totals = metrics::table_totals(connection, scope)?;
        Ok(Quality {
            tables: read_quality(connection, scope, LISTED)?,
            in_all: usize::try_from(totals.tables).unwrap_or(0),
        })
    }
}

/// A share that is only known to lie between two.
fn between(table: &TableQuality) -> String {
    match (table.at_least, table.at_most) {
        (Some(low), Some(high)) if percent(low) == percent(high) => percent(low),
        (Some(low), Some(high)) => format!("{} to {}", percent(low), percent(high)),
        _ => "no rows".into(),
    }
}

impl Figures for Quality {
    fn words(&self, frame: &Frame) -> Words {
        let told: Vec<String> = self
            .tables
            .iter()
            .take(3)
            .map(|table| format!("{} {}", table.table, between(table)))
            .collect();
        Words {
            title: words::QUALITY.into(),
            note: format!(
                "At least 1 − failures of all rules ÷ rows, at most 1 − failures of the worst rule ÷ rows, as of {} in {}. \
                 Rows that were set aside count in neither.",
                frame.local(frame.as_of),
                frame.period.zone.name()
            ),
            description: if told.is_empty() {
                "No table is watched.".into()
            } else {
                format!(
                    "Share of rows that pass every rule, {}, the worst first: {}.",
                    count(self.in_all as i64, "table", "tables"),
                    told.join("; ")
                )
            },
        }
    }

    fn table(&self, _: &Frame) -> Table {
        let share = |share: Option<f64>| share.map_or_else(String::new, percent);
        Table {
            columns: vec![
                Column::text("table"),
                Column::number("passing, at least", "% of rows"),
                Column::number("passing, at most", "% of rows"),
                Column::number("change", "points"),
                Column::number("in the table", "rows"),
                Column::number("in force", "rules"),
            ],
            rows: self
                .tables
                .iter()
                .map(|table| {
                    vec![
                        table.table.clone(),
                        share(table.at_least),
                        share(table.at_most),
                        table.change.map_or_else(String::new, points),
                        thousands(table.rows),
                        thousands(table.rules),
                    ]
                })
                .collect(),
            more: self.in_all.saturating_sub(self.tables.len()),
        }
    }

    fn draw(&self, pen: &mut Pen, area: Area, _: &Frame) -> Result<()> {
        pen.quality(area, &self.tables, self.in_all);
        Ok(())
    }
}
