//! Alerts from their opening to their end.

use audit_schema::metrics::{self, Scope};
use chrono::TimeDelta;
use diesel::PgConnection;
use serde::{Deserialize, Serialize};

use super::{Column, Figures, Frame, Table, Words};
use crate::canvas::Area;
use crate::dashboard::{AlertSpan, EPISODES, Seconds, read_alerts};
use crate::draw::{self, Pen};
use crate::error::Result;
use crate::format::{count, duration, thousands};
use crate::words;

/// Alerts that were open in the period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alerts {
    /// The worst first.
    pub alerts: Vec<AlertSpan>,
    /// How many there were; may be more than are in the list.
    pub in_all: usize,
    /// How many of them have not ended.
    pub open: i64,
    /// Half of those that were taken on were so within this time.
    pub median_to_acknowledge: Option<Seconds>,
    /// Half of those that ended did so within this time.
    pub median_to_resolve: Option<Seconds>,
}

impl Alerts {
    pub(super) fn load(connection: &mut PgConnection, scope: &Scope) -> Result<Self> {
        let totals = metrics::alert_totals(connection, scope)?;
        Ok(Alerts {
            alerts: read_alerts(connection, scope, EPISODES)?,
            in_all: usize::try_from(totals.alerts).unwrap_or(0),
            open: totals.open,
            median_to_acknowledge: totals.median_seconds_to_acknowledge.map(|time| time as i64),
            median_to_resolve: totals.median_seconds_to_resolve.map(|time| time as i64),
        })
    }
}

impl Figures for Alerts {
    fn words(&self, frame: &Frame) -> Words {
        let worst = self.alerts.first().map_or_else(String::new, |alert| {
            format!(
                " The worst, {}: {}, {}.",
                alert.severity,
                alert.title,
                words::life(alert, &frame.period)
            )
        });
        Words {
            title: words::alerts(self.in_all, self.open),
            note: format!(
                "Alerts that people were told of and that were open in the range: thick until somebody took them on (a ring), \
                 thin from then on; what ends in an arrow is open still. Times in {}.",
                frame.period.zone.name()
            ),
            description: if self.in_all == 0 {
                "No alerts in this range.".into()
            } else {
                format!(
                    "{}, {} still open.{worst}",
                    count(self.in_all as i64, "alert", "alerts"),
                    thousands(self.open)
                )
            },
        }
    }

    fn table(&self, frame: &Frame) -> Table {
        let time = |at: Option<_>| at.map_or_else(String::new, |at| frame.local(at));
        Table {
            columns: vec![
                Column::text("severity"),
                Column::text("alert"),
                Column::text("what"),
                Column::text("opened"),
                Column::text("acknowledged"),
                Column::text("resolved"),
                Column::text("lasted"),
            ],
            rows: self
                .alerts
                .iter()
                .map(|alert| {
                    let end = alert.resolved_at.unwrap_or(frame.as_of);
                    vec![
                        alert.severity.to_string(),
                        alert.name(),
                        alert.title.clone(),
                        frame.local(alert.opened_at),
                        time(alert.acknowledged_at),
                        time(alert.resolved_at),
                        duration((end - alert.opened_at).max(TimeDelta::zero())),
                    ]
                })
                .collect(),
            more: self.in_all.saturating_sub(self.alerts.len()),
        }
    }

    fn draw(&self, pen: &mut Pen, area: Area, frame: &Frame) -> Result<()> {
        pen.alerts(
            area,
            &draw::Alerts {
                period: &frame.period,
                as_of: frame.as_of,
                alerts: &self.alerts,
                in_all: self.in_all,
                median_to_acknowledge: self.median_to_acknowledge,
                median_to_resolve: self.median_to_resolve,
            },
        );
        Ok(())
    }
}
