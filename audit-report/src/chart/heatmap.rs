//! When it fails.

use audit_schema::metrics::Scope;
use diesel::PgConnection;
use serde::{Deserialize, Serialize};

use super::{Column, Figures, Frame, Table, Words};
use crate::canvas::Area;
use crate::dashboard::read_hours_of_week;
use crate::draw::Pen;
use crate::error::Result;
use crate::format::{count, thousands};
use crate::words;

/// Written rows that failed a rule, by hour of the week.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heatmap {
    /// By weekday, Monday first, and hour of the day.
    pub by_hour: Vec<[i64; 24]>,
}

impl Heatmap {
    pub(super) fn load(connection: &mut PgConnection, scope: &Scope) -> Result<Self> {
        Ok(Heatmap {
            by_hour: read_hours_of_week(connection, scope)?,
        })
    }
}

impl Figures for Heatmap {
    fn words(&self, frame: &Frame) -> Words {
        let total: i64 = self.by_hour.iter().flatten().sum();
        let highest = self
            .by_hour
            .iter()
            .enumerate()
            .flat_map(|(day, hours)| {
                hours
                    .iter()
                    .enumerate()
                    .map(move |(hour, rows)| (*rows, day, hour))
            })
            .max_by_key(|(rows, day, hour)| (*rows, std::cmp::Reverse((*day, *hour))));
        Words {
            title: words::by_hour(&self.by_hour),
            note: format!(
                "Rows that failed a rule when they were written, once for every rule, added up over all weeks of the range. \
                 Hours in {}.",
                frame.period.zone.name()
            ),
            description: match highest {
                Some((rows, day, hour)) if total > 0 => format!(
                    "{} failed. Most on {} between {hour:02}:00 and {:02}:00: {}.",
                    count(total, "row", "rows"),
                    words::WEEKDAYS[day.min(6)],
                    hour + 1,
                    thousands(rows)
                ),
                _ => "No findings in this range.".into(),
            },
        }
    }

    fn table(&self, _: &Frame) -> Table {
        let mut columns = vec![Column::text("weekday")];
        columns.extend((0..24).map(|hour| Column::number(format!("{hour:02}"), "rows")));
        Table {
            columns,
            rows: self
                .by_hour
                .iter()
                .zip(words::WEEKDAYS)
                .map(|(hours, day)| {
                    std::iter::once(day.to_owned())
                        .chain(hours.map(thousands))
                        .collect()
                })
                .collect(),
            more: 0,
        }
    }

    fn draw(&self, pen: &mut Pen, area: Area, _: &Frame) -> Result<()> {
        pen.by_hour(area, &self.by_hour);
        Ok(())
    }
}
