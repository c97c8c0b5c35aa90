//! What failed over time.

use audit_core::Severity;
use audit_schema::metrics::{self, Scope};
use diesel::PgConnection;
use serde::{Deserialize, Serialize};

use super::{Column, Figures, Frame, LISTED, Table, Words};
use crate::canvas::Area;
use crate::dashboard::{AlertSpan, Step, place, read_alerts, steps};
use crate::draw::{self, Pen};
use crate::error::Result;
use crate::format::{count, date_range, joined, thousands};
use crate::words;

/// Written rows that failed a rule, by step of time and severity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// One entry for every step of time, none left out.
    pub steps: Vec<Step>,
    /// Alerts that were open in the period, of which the worst is told beside its column.
    pub alerts: Vec<AlertSpan>,
}

impl Findings {
    pub(super) fn load(
        connection: &mut PgConnection,
        scope: &Scope,
        frame: &Frame,
    ) -> Result<Self> {
        Ok(Findings {
            steps: steps(
                &frame.period,
                &metrics::changes(connection, scope)?,
                &metrics::failures(connection, scope)?,
            ),
            alerts: read_alerts(connection, scope, LISTED)?,
        })
    }
}

impl Figures for Findings {
    fn words(&self, frame: &Frame) -> Words {
        let period = &frame.period;
        let total: i64 = self.steps.iter().map(Step::failures).sum();
        let by_severity = Severity::ALL.into_iter().filter_map(|severity| {
            let failed: i64 = self
                .steps
                .iter()
                .map(|step| step.failed[place(severity)])
                .sum();
            (failed > 0).then(|| format!("{} {severity}", thousands(failed)))
        });
        let highest = self.steps.iter().max_by_key(|step| step.failures());
        Words {
            title: words::findings(&self.steps, period.step),
            note: format!(
                "Rows written in each {}, counted once for every rule that they failed when they were written. Times in {}.",
                period.step.name(),
                period.zone.name()
            ),
            description: match highest {
                Some(highest) if total > 0 => format!(
                    "{} failed a rule when they were written, {}: {}. Most in the {} of {}: {}.",
                    count(total, "row", "rows"),
                    date_range(period.first, period.last),
                    joined(by_severity, "and"),
                    period.step.name(),
                    period.step.label(highest.start),
                    thousands(highest.failures())
                ),
                _ => format!("No findings, {}.", date_range(period.first, period.last)),
            },
        }
    }

    fn table(&self, frame: &Frame) -> Table {
        let mut columns = vec![Column::text(frame.period.step.name())];
        columns.extend(Severity::ALL.map(|severity| Column::number(severity.name(), "rows")));
        columns.push(Column::number("written", "rows"));
        Table {
            columns,
            rows: self
                .steps
                .iter()
                .map(|step| {
                    let mut row = vec![frame.period.step.label(step.start)];
                    row.extend(step.failed.map(thousands));
                    row.push(thousands(step.written));
                    row
                })
                .collect(),
            more: 0,
        }
    }

    fn draw(&self, pen: &mut Pen, area: Area, frame: &Frame) -> Result<()> {
        pen.findings(
            area,
            &draw::Findings {
                period: &frame.period,
                steps: &self.steps,
                alerts: &self.alerts,
            },
        )
    }
}
