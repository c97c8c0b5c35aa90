//! Findings over time in layers of severity, with a note about the worst alert.

use audit_core::Severity;

use super::{Pen, scale};
use crate::canvas::{Area, Type, clean};
use crate::dashboard::{AlertSpan, Step, place};
use crate::error::Result;
use crate::font::{self, Weight};
use crate::format::{count, short};
use crate::period::Period;
use crate::style::{LABEL, NOTE};
use crate::words;

/// Findings of a period, and the alerts that one of them is told of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Findings<'a> {
    pub(crate) period: &'a Period,
    pub(crate) steps: &'a [Step],
    pub(crate) alerts: &'a [AlertSpan],
}

impl Pen {
    /// A column for each step of time, its layers the severities, the least at the bottom.
    pub(crate) fn findings(&mut self, inside: Area, data: &Findings<'_>) -> Result<()> {
        let plot = inside.without(52.0, 6.0, 112.0, 26.0);
        let highest = data.steps.iter().map(Step::failures).max().unwrap_or(0);
        if highest == 0 {
            self.empty(plot, "no findings in this range");
            return Ok(());
        }
        let (tick, top) = scale(highest, (plot.height / 36.0).clamp(2.0, 5.0) as i64);
        // Where there is little room, the alert is left to its own chart.
        let roomy = plot.width >= 320.0;
        let mut note = roomy.then(|| Self::note(data, plot, top)).flatten();
        let mut top = top as f64;
        if note.as_ref().is_some_and(|note| note.side.is_none()) {
            // No place beside the columns: the note gets a strip above them.
            top = (highest as f64 * plot.height / (plot.height - 52.0)).max(top);
            if let Some(note) = note.as_mut() {
                note.side = Some(if note.x > plot.x + plot.width / 2.0 {
                    Side::Left
                } else {
                    Side::Right
                });
                note.y = plot.y + 12.0;
                note.foot = plot.bottom() - plot.height * note.column / top - 4.0;
            }
        }
        let ticks: Vec<f64> = (0..)
            .map(|place| (place * tick) as f64)
            .take_while(|value| *value <= top)
            .collect();
        let layers: Vec<(&'static str, Vec<i64>)> = Severity::ALL
            .into_iter()
            .rev()
            .map(|severity| {
                let values = data
                    .steps
                    .iter()
                    .map(|step| step.failed[place(severity)])
                    .collect();
                (self.color(severity), values)
            })
            .collect();
        self.columns("findings", plot, top, &ticks, &layers)?;
        let starts: Vec<_> = data.steps.iter().map(|step| step.start).collect();
        self.time_labels(plot, &starts, data.period.step);

        let pitch = (plot.height / 4.0).clamp(20.0, 40.0);
        let mut y = plot.y + 12.0;
        for severity in Severity::ALL {
            let total: i64 = data
                .steps
                .iter()
                .map(|step| step.failed[place(severity)])
                .sum();
            let color = self.color(severity);
            let x = plot.right() + 16.0;
            self.canvas.sign(severity, (x + 5.0, y - 4.0), 9.0, color);
            self.canvas
                .text(x + 16.0, y, severity.name(), Type::new(LABEL, color).bold());
            if pitch >= 32.0 {
                self.canvas.text(
                    x + 16.0,
                    y + 15.0,
                    &if total == 1 {
                        "1 row".into()
                    } else {
                        format!("{} rows", short(total))
                    },
                    Type::new(NOTE, self.palette.quiet),
                );
            }
            y += pitch;
        }
        if let Some(note) = note {
            self.write_note(&note);
        }
        Ok(())
    }

    /// Where the note about the alert fits beside the columns.
    fn note(data: &Findings<'_>, plot: Area, top: i64) -> Option<Note> {
        let (alert, others) = words::told(data.alerts, data.period)?;
        let opened = data.period.step.start_of(
            alert
                .opened_at
                .with_timezone(&data.period.zone)
                .naive_local(),
        );
        let step = data.steps.iter().position(|step| step.start == opened)?;
        let width = plot.width / data.steps.len() as f64;
        let room = (plot.width * 0.62).min(460.0);
        let headline = font::fit(&clean(&alert.title), LABEL, Weight::Bold, room);
        let mut detail = words::life(alert, data.period);
        if others > 0 {
            detail.push_str(&format!(
                "; {} with it",
                count(others as i64, "more alert", "more alerts")
            ));
        }
        let detail = font::fit(&detail, NOTE, Weight::Regular, room + 16.0);
        let text_width = (font::width(&headline, LABEL, Weight::Bold) + 18.0).max(font::width(
            &detail,
            NOTE,
            Weight::Regular,
        ));
        let column = data.steps[step].failures() as f64;
        let height_of = |value: f64| plot.height * value / top as f64;
        let mut note = Note {
            severity: alert.severity,
            headline,
            detail,
            x: plot.x + width * (step as f64 + 0.5),
            y: 0.0,
            half: width / 2.0,
            foot: plot.bottom() - height_of(column) - 4.0,
            column,
            side: None,
            beside: false,
        };
        // Beside its own column when that is tall, below its top; the columns under the words must be lower still.
        let baseline = plot.bottom() - height_of(column) + 14.0;
        let under = plot.bottom() - baseline - 30.0;
        for side in [Side::Left, Side::Right] {
            let (from, to) = match side {
                Side::Left => (
                    note.x - note.half - 14.0 - text_width,
                    note.x - note.half - 8.0,
                ),
                Side::Right => (
                    note.x + note.half + 8.0,
                    note.x + note.half + 14.0 + text_width,
                ),
            };
            if from < plot.x || to > plot.right() {
                continue;
            }
            let first = ((from - plot.x) / width).floor().max(0.0) as usize;
            let last = (((to - plot.x) / width).ceil() as usize).min(data.steps.len());
            let tallest = data.steps[first..last]
                .iter()
                .map(Step::failures)
                .max()
                .unwrap_or(0);
            if height_of(tallest as f64) < under {
                note.side = Some(side);
                note.y = baseline;
                note.beside = true;
                break;
            }
        }
        Some(note)
    }

    fn write_note(&mut self, note: &Note) {
        let color = self.color(note.severity);
        let gap = if note.beside { note.half + 10.0 } else { 8.0 };
        if !note.beside {
            self.canvas.line(
                (note.x, note.y - 10.0),
                (note.x, note.foot.max(note.y)),
                color,
                1.0,
            );
        }
        let (headline, detail) = (note.headline.clone(), note.detail.clone());
        let headline_width = font::width(&headline, LABEL, Weight::Bold);
        match note.side {
            Some(Side::Left) => {
                let x = note.x - gap;
                self.canvas
                    .text(x, note.y, &headline, Type::new(LABEL, color).bold().end());
                self.canvas.sign(
                    note.severity,
                    (x - headline_width - 10.0, note.y - 4.0),
                    9.0,
                    color,
                );
                self.canvas.text(
                    x,
                    note.y + 16.0,
                    &detail,
                    Type::new(NOTE, self.palette.soft).end(),
                );
            }
            _ => {
                let x = note.x + gap;
                self.canvas
                    .sign(note.severity, (x + 5.0, note.y - 4.0), 9.0, color);
                self.canvas
                    .text(x + 16.0, note.y, &headline, Type::new(LABEL, color).bold());
                self.canvas.text(
                    x,
                    note.y + 16.0,
                    &detail,
                    Type::new(NOTE, self.palette.soft),
                );
            }
        }
    }
}

/// Which side of its column a note stands on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// The words about the alert in the chart of findings.
struct Note {
    severity: Severity,
    headline: String,
    detail: String,
    x: f64,
    y: f64,
    half: f64,
    foot: f64,
    column: f64,
    side: Option<Side>,
    beside: bool,
}
