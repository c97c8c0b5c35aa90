//! The charts over time: findings in layers of severity with a note about the worst alert, and changes with their
//! writers.

use audit_core::Severity;
use plotters::prelude::{ChartBuilder, PathElement, Rectangle, ShapeStyle};

use super::{GUTTER, Pen, rgb};
use crate::canvas::{Area, Type, clean, fine};
use crate::dashboard::data::{Step, place};
use crate::dashboard::words;
use crate::error::Result;
use crate::font::{self, Weight};
use crate::format::{bytes, count, percent, short, thousands};
use crate::style::{LABEL, NOTE};

impl Pen<'_> {
    /// Columns over time, one layer on another, on a scale that starts at zero and ends at `top`.
    fn columns(
        &mut self,
        name: &'static str,
        area: Area,
        top: f64,
        ticks: &[f64],
        layers: &[(&'static str, Vec<i64>)],
    ) -> Result<()> {
        let palette = self.palette;
        let number = layers.first().map_or(0, |(_, values)| values.len()).max(1);
        let hairline = ShapeStyle {
            color: rgb(palette.hairline).into(),
            filled: false,
            stroke_width: fine(1.0) as u32,
        };
        // A tenth of a column on each side stays free, unless columns are so narrow that gaps would flicker.
        let gap = if area.width / number as f64 > 4.0 {
            0.08
        } else {
            0.0
        };
        self.canvas.plot(name, area, |root| {
            let mut chart =
                ChartBuilder::on(root).build_cartesian_2d(0.0..number as f64, 0.0..top)?;
            chart.draw_series(ticks.iter().map(|tick| {
                PathElement::new(vec![(0.0, *tick), (number as f64, *tick)], hairline)
            }))?;
            let mut floor = vec![0i64; number];
            for (color, values) in layers {
                let fill = ShapeStyle {
                    color: rgb(color).into(),
                    filled: true,
                    stroke_width: 0,
                };
                let columns: Vec<_> = values
                    .iter()
                    .enumerate()
                    .filter(|(_, value)| **value > 0)
                    .map(|(place, value)| {
                        let (left, right) = (place as f64 + gap, (place + 1) as f64 - gap);
                        let low = floor[place] as f64;
                        Rectangle::new([(left, low + *value as f64), (right, low)], fill)
                    })
                    .collect();
                chart.draw_series(columns)?;
                for (place, value) in values.iter().enumerate() {
                    floor[place] += value;
                }
            }
            Ok(())
        })?;
        for tick in ticks {
            let y = area.bottom() - area.height * tick / top;
            self.canvas.text(
                area.x - 8.0,
                y + 4.0,
                &short(*tick as i64),
                Type::new(LABEL, palette.soft).end(),
            );
        }
        Ok(())
    }

    fn time_labels(&mut self, area: Area) {
        let steps = &self.data.steps;
        let width = area.width / steps.len().max(1) as f64;
        let mut free_from = f64::MIN;
        for (place, label) in
            words::ticks(steps, self.data.period.step, (area.width / 90.0) as usize)
        {
            let middle = area.x + width * (place as f64 + 0.5);
            let half = font::width(&label, LABEL, Weight::Regular) / 2.0;
            let x = middle.max(area.x + half - 24.0);
            if x - half > free_from {
                self.canvas.text(
                    x,
                    area.bottom() + 18.0,
                    &label,
                    Type::new(LABEL, self.palette.soft).middle(),
                );
                free_from = x + half + 12.0;
            }
        }
    }

    pub(super) fn findings(&mut self, area: Area) -> Result<()> {
        let data = self.data;
        let inside = self.title(area, &words::findings(data));
        let plot = inside.without(52.0, 6.0, 112.0, 26.0);
        let highest = data.steps.iter().map(Step::failures).max().unwrap_or(0);
        if highest == 0 {
            self.empty(plot, "no findings in this range");
            return Ok(());
        }
        let (tick, top) = scale(highest, 5);
        let mut note = self.note(plot, top);
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
        self.time_labels(plot);

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
            y += 40.0;
        }
        if let Some(note) = note {
            self.write_note(&note);
        }
        Ok(())
    }

    /// Where the note about the alert fits beside the columns.
    fn note(&self, plot: Area, top: i64) -> Option<Note> {
        let data = self.data;
        let (alert, others) = words::told(data)?;
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
        let mut detail = words::life(alert, &data.period);
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

    pub(super) fn changes(&mut self, area: Area) -> Result<()> {
        let (data, palette) = (self.data, self.palette);
        let inside = self.title(area, &words::changes(data));
        let plot = inside.without(52.0, -4.0, 252.0, 22.0);
        let values: Vec<i64> = data.steps.iter().map(|step| step.written).collect();
        let highest = values.iter().copied().max().unwrap_or(0);
        if highest == 0 {
            self.empty(plot, "no changes in this range");
        } else {
            let (tick, top) = scale(highest, 2);
            let ticks: Vec<f64> = (0..=top / tick)
                .map(|place| (place * tick) as f64)
                .collect();
            self.columns(
                "changes",
                plot,
                top as f64,
                &ticks,
                &[(palette.series_soft, values)],
            )?;
            self.time_labels(plot);
        }
        let x = plot.right() + 24.0;
        let mut y = plot.y + 4.0;
        let total: i64 = data
            .writers
            .iter()
            .map(|writer| writer.rows)
            .sum::<i64>()
            .max(1);
        let all: i64 = data
            .steps
            .iter()
            .map(|step| step.written)
            .sum::<i64>()
            .max(total);
        let shown = data.writers.len().min(3);
        if shown > 0 {
            let head = match data.writers_in_all - shown {
                0 => "written by".into(),
                more => format!("written by these and {} more", thousands(more as i64)),
            };
            self.canvas
                .text(x, y, &head, Type::new(NOTE, palette.quiet));
            y += 17.0;
        }
        for writer in data.writers.iter().take(shown) {
            let share = percent(writer.rows as f64 / all as f64);
            let width = font::width(&share, LABEL, Weight::Bold);
            self.canvas.text(
                inside.right(),
                y,
                &share,
                Type::new(LABEL, palette.ink).bold().end(),
            );
            self.canvas.text_in(
                x,
                y,
                inside.right() - width - 12.0 - x,
                &writer.name,
                Type::new(LABEL, palette.ink),
            );
            y += 17.0;
        }
        let mut foot = Vec::new();
        if data.pipeline.log_bytes > 0 {
            foot.push(format!(
                "log {}, {} segments",
                bytes(data.pipeline.log_bytes),
                short(data.pipeline.segments)
            ));
        }
        self.canvas.text_in(
            x,
            area.bottom() - GUTTER + 18.0,
            inside.right() - x,
            &foot.join(" · "),
            Type::new(NOTE, palette.quiet),
        );
        Ok(())
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

/// The step between the ticks of a scale that starts at zero, and its top: round numbers, at most `most` steps.
fn scale(highest: i64, most: i64) -> (i64, i64) {
    let highest = highest.max(1);
    let mut unit: i64 = 1;
    loop {
        for factor in [1, 2, 5] {
            let step = unit.saturating_mul(factor);
            let steps = highest / step + i64::from(highest % step > 0);
            if steps <= most {
                return (step, step.saturating_mul(steps));
            }
        }
        unit = unit.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_in_round_numbers_above_the_highest() {
        assert_eq!(scale(1, 5), (1, 1));
        assert_eq!(scale(500, 5), (100, 500));
        assert_eq!(scale(501, 5), (200, 600));
        assert_eq!(scale(8_604, 5), (2_000, 10_000));
    }
}
