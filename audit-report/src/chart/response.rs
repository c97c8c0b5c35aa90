//! How long people take for alerts.

use audit_core::Severity;
use audit_schema::metrics::{self, Lengths, Scope};
use chrono::TimeDelta;
use diesel::PgConnection;
use serde::{Deserialize, Serialize};

use super::{Column, Figures, Frame, Table, Words};
use crate::canvas::{Area, Type};
use crate::dashboard::Seconds;
use crate::draw::Pen;
use crate::error::Result;
use crate::format::{count, duration, short, thousands};
use crate::style::{LABEL, NOTE};

/// Alerts that were opened in the period.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// By severity, the worst first; those without alerts are left out.
    pub severities: Vec<SeverityResponse>,
}

/// How long alerts of one severity took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeverityResponse {
    /// How bad they were.
    pub severity: Severity,
    /// How many were opened.
    pub alerts: i64,
    /// Until somebody took them on.
    pub to_acknowledge: Distribution,
    /// Until they ended.
    pub to_resolve: Distribution,
}

/// How lengths of time are distributed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Under 5 minutes, 15 minutes, 1 hour, 4 hours, 1 day, 3 days, 7 days, and longer.
    pub classes: Vec<i64>,
    /// Half of them are no longer.
    pub median: Option<Seconds>,
    /// Nine of ten are no longer.
    pub p90: Option<Seconds>,
}

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;
/// Where classes end, in seconds, and how that is written.
const LENGTHS: [i64; 7] = [
    5 * MINUTE,
    15 * MINUTE,
    HOUR,
    4 * HOUR,
    DAY,
    3 * DAY,
    7 * DAY,
];
const ENDS: [&str; 7] = ["5 min", "15 min", "1 h", "4 h", "1 d", "3 d", "7 d"];

impl From<Lengths> for Distribution {
    fn from(lengths: Lengths) -> Self {
        Distribution {
            classes: lengths.classes,
            median: lengths.median_seconds.map(|seconds| seconds as i64),
            p90: lengths.p90_seconds.map(|seconds| seconds as i64),
        }
    }
}

impl Distribution {
    fn number(&self) -> i64 {
        self.classes.iter().sum()
    }

    fn says(&self, of: i64) -> String {
        let long = |seconds: Option<i64>| duration(TimeDelta::seconds(seconds.unwrap_or(0)));
        let told = thousands(self.number());
        if self.number() == 0 {
            return format!("none of {}", thousands(of));
        }
        format!(
            "median {} · 90 % within {} · {told} of {}",
            long(self.median),
            long(self.p90),
            thousands(of)
        )
    }
}

impl Response {
    pub(super) fn load(connection: &mut PgConnection, scope: &Scope) -> Result<Self> {
        Ok(Response {
            severities: metrics::responses(connection, scope, &LENGTHS)?
                .into_iter()
                .map(|response| SeverityResponse {
                    severity: response.severity,
                    alerts: response.alerts,
                    to_acknowledge: response.to_acknowledge.into(),
                    to_resolve: response.to_resolve.into(),
                })
                .collect(),
        })
    }

    fn panel(
        &self,
        pen: &mut Pen,
        area: Area,
        title: &str,
        of: &dyn Fn(&SeverityResponse) -> &Distribution,
    ) {
        let palette = pen.palette;
        let look = Type::new(LABEL, palette.ink).bold();
        pen.canvas.text(area.x, area.y + 12.0, title, look);
        let names = 84.0_f64.min(area.width * 0.28);
        let grid = area.without(names, 24.0, 0.0, 22.0);
        let pitch = (grid.height / self.severities.len() as f64).min(72.0);
        let width = grid.width / 8.0;
        let most = self
            .severities
            .iter()
            .flat_map(|response| of(response).classes.iter().copied())
            .max()
            .unwrap_or(0);
        for (nth, response) in self.severities.iter().enumerate() {
            let y = grid.y + pitch * nth as f64;
            // Where there is little room, medians are left to the table.
            let roomy = pitch >= 38.0;
            let cell_height = if roomy { pitch - 24.0 } else { pitch - 3.0 }.clamp(8.0, 36.0);
            let color = pen.color(response.severity);
            let middle = y + cell_height / 2.0;
            pen.canvas
                .sign(response.severity, (area.x + 5.0, middle), 9.0, color);
            let look = Type::new(LABEL, palette.ink);
            let name = response.severity.name();
            pen.canvas
                .text_in(area.x + 16.0, middle + 4.0, names - 20.0, name, look);
            for (place, number) in of(response).classes.iter().take(8).enumerate() {
                let fill = pen.heat(*number, most, most);
                let cell = Area {
                    x: grid.x + width * place as f64 + 1.0,
                    y,
                    width: width - 2.0,
                    height: cell_height,
                };
                pen.canvas.rectangle(cell, fill, 2.0);
                if *number > 0 && cell_height >= 14.0 {
                    let look = Type::new(NOTE, palette.ink_on(fill)).middle();
                    let x = cell.x + cell.width / 2.0;
                    pen.canvas
                        .text_in(x, middle + 4.0, cell.width, &short(*number), look);
                }
            }
            if roomy {
                let look = Type::new(NOTE, palette.soft);
                let says = of(response).says(response.alerts);
                pen.canvas
                    .text_in(grid.x, y + cell_height + 14.0, grid.width, &says, look);
            }
        }
        let y = grid.y + pitch * self.severities.len() as f64 + 12.0;
        // Every other limit where they would run into each other.
        let every = if width < 40.0 { 2 } else { 1 };
        for (place, end) in ENDS.iter().enumerate().step_by(every) {
            let x = grid.x + width * (place + 1) as f64;
            let look = Type::new(NOTE, palette.quiet).middle();
            pen.canvas.text(x, y, end, look);
        }
    }
}

impl Figures for Response {
    fn words(&self, frame: &Frame) -> Words {
        let alerts: i64 = self.severities.iter().map(|response| response.alerts).sum();
        let told: Vec<String> = self
            .severities
            .iter()
            .map(|response| {
                format!(
                    "{}: acknowledged {}; resolved {}",
                    response.severity,
                    response.to_acknowledge.says(response.alerts),
                    response.to_resolve.says(response.alerts)
                )
            })
            .collect();
        Words {
            title: if alerts == 0 {
                "Time to acknowledge and to resolve alerts".into()
            } else {
                format!(
                    "Time to acknowledge and to resolve, by severity: {} opened",
                    count(alerts, "alert", "alerts")
                )
            },
            note: format!(
                "Alerts that people were told of and that were opened in the range, from opening on; the numbers in the cells \
                 are alerts. Days in {}.",
                frame.period.zone.name()
            ),
            description: if alerts == 0 {
                "No alert was opened in this range.".into()
            } else {
                format!("{}.", told.join(". "))
            },
        }
    }

    fn table(&self, _: &Frame) -> Table {
        let long = |length: Option<Seconds>| {
            length.map_or_else(String::new, |seconds| duration(TimeDelta::seconds(seconds)))
        };
        let mut columns = vec![
            Column::text("severity"),
            Column::text("until"),
            Column::number("opened", "alerts"),
            Column::number("done", "alerts"),
            Column::text("median"),
            Column::text("90 % within"),
        ];
        columns.extend(ENDS.map(|end| Column::number(format!("under {end}"), "alerts")));
        columns.push(Column::number("longer", "alerts"));
        let rows = self
            .severities
            .iter()
            .flat_map(|response| {
                [
                    ("acknowledged", &response.to_acknowledge),
                    ("resolved", &response.to_resolve),
                ]
                .map(|(until, lengths)| {
                    let mut row = vec![
                        response.severity.to_string(),
                        until.to_owned(),
                        thousands(response.alerts),
                        thousands(lengths.number()),
                        long(lengths.median),
                        long(lengths.p90),
                    ];
                    row.extend(lengths.classes.iter().map(|number| thousands(*number)));
                    row
                })
            })
            .collect();
        Table {
            columns,
            rows,
            more: 0,
        }
    }

    fn draw(&self, pen: &mut Pen, area: Area, _: &Frame) -> Result<()> {
        if self.severities.is_empty() {
            pen.empty(area, "no alert was opened in this range");
            return Ok(());
        }
        let gap = 32.0;
        let (first, second) = if area.width >= 600.0 {
            let width = (area.width - gap) / 2.0;
            let right = Area {
                x: area.x + width + gap,
                width,
                ..area
            };
            (Area { width, ..area }, right)
        } else {
            let height = (area.height - 8.0) / 2.0;
            let below = Area {
                y: area.y + height + 8.0,
                height,
                ..area
            };
            (Area { height, ..area }, below)
        };
        self.panel(pen, first, "until acknowledged", &|one| &one.to_acknowledge);
        self.panel(pen, second, "until resolved", &|one| &one.to_resolve);
        Ok(())
    }
}
