//! Draws a dashboard: a row of tiles, then charts on a grid of twelve columns.

use audit_core::{Severity, Theme};
use chrono::{DateTime, TimeDelta, Utc};
use plotters::prelude::{ChartBuilder, LineSeries, PathElement, RGBColor, Rectangle, ShapeStyle};

use super::data::{Dashboard, Step, StepWidth, place};
use super::words;
use crate::canvas::{Area, Canvas, Type, clean, fine};
use crate::error::Result;
use crate::font::{self, Weight};
use crate::format::{bytes, count, date_range, duration, percent, short, thousands};
use crate::style::{LABEL, NOTE, NUMBER, Palette, Style, TITLE};

const MARGIN: f64 = 24.0;
const GUTTER: f64 = 24.0;

/// Draws a dashboard as SVG. The same dashboard and style always give the same text.
///
/// # Errors
/// When plotters refuses to draw; no known figure makes it.
pub fn svg(dashboard: &Dashboard, style: &Style) -> Result<String> {
    let style = Style {
        width: style.width.max(1200),
        height: style.height.max(840),
        ..style.clone()
    };
    let mut pen = Pen {
        canvas: Canvas::new(&style),
        palette: style.palette(),
        theme: style.theme,
        width: f64::from(style.width),
        data: dashboard,
    };
    let height = f64::from(style.height);
    // What the header and the tiles leave is shared by three rows of charts, in eighths of pixels that fit a grid of 8.
    let free = height - 224.0 - MARGIN;
    let first = (free * 0.455 / 8.0).round() * 8.0;
    let second = (free * 0.365 / 8.0).round() * 8.0;
    let third = free - first - second;
    let (top, middle, bottom) = (224.0, 224.0 + first, 224.0 + first + second);

    pen.header();
    pen.tiles(Area {
        x: MARGIN,
        y: 88.0,
        width: pen.width - 2.0 * MARGIN,
        height: 112.0,
    })?;
    let cell = |pen: &Pen<'_>, from: u32, to: u32, y: f64, height: f64| {
        let column = (pen.width - 2.0 * MARGIN + GUTTER) / 12.0;
        Area {
            x: MARGIN + column * f64::from(from),
            y,
            width: column * f64::from(to - from) - GUTTER,
            height: height - GUTTER,
        }
    };
    pen.findings(cell(&pen, 0, 8, top, first))?;
    pen.failing_rules(cell(&pen, 8, 12, top, first));
    pen.quality(cell(&pen, 0, 4, middle, second));
    pen.by_hour(cell(&pen, 4, 8, middle, second));
    pen.alerts(cell(&pen, 8, 12, middle, second));
    pen.canvas.line(
        (MARGIN, bottom - 8.0),
        (pen.width - MARGIN, bottom - 8.0),
        pen.palette.hairline,
        1.0,
    );
    pen.changes(cell(&pen, 0, 12, bottom + 4.0, third - 4.0 + GUTTER))?;

    let title = format!("Data quality of {}", dashboard.database);
    let description = format!(
        "{}. {}. {}.",
        words::findings(dashboard),
        words::failing(dashboard),
        words::alerts(dashboard)
    );
    Ok(pen.canvas.finish(&title, &description))
}

struct Pen<'a> {
    canvas: Canvas,
    palette: &'static Palette,
    theme: Theme,
    width: f64,
    data: &'a Dashboard,
}

/// What a tile says.
struct Tile {
    label: &'static str,
    number: String,
    sign: Option<Severity>,
    unit: String,
    note: String,
    /// The colour of the strip at its left and of what it vouches for: good or bad, or neither.
    mark: Option<&'static str>,
    /// Whether the number itself is bad news.
    alarming: bool,
    trend: Vec<f64>,
}

impl Pen<'_> {
    fn color(&self, severity: Severity) -> &'static str {
        severity.color(self.theme)
    }

    fn title(&mut self, area: Area, text: &str) -> Area {
        self.canvas.text_in(
            area.x,
            area.y + 14.0,
            area.width,
            text,
            Type::new(TITLE, self.palette.ink).bold(),
        );
        area.without(0.0, 32.0, 0.0, 0.0)
    }

    fn empty(&mut self, area: Area, text: &str) {
        self.canvas.text(
            area.x + area.width / 2.0,
            area.y + area.height / 2.0,
            text,
            Type::new(LABEL, self.palette.quiet).middle(),
        );
    }

    fn header(&mut self) {
        let (data, palette) = (self.data, self.palette);
        let right = self.width - MARGIN;
        let range = format!(
            "{}, {}",
            date_range(data.period.first, data.period.last),
            data.period.zone.name()
        );
        let drawn = format!(
            "figures of {}, drawn {}",
            data.as_of
                .with_timezone(&data.period.zone)
                .format("%-d %b %Y %H:%M"),
            data.drawn_at
                .with_timezone(&data.period.zone)
                .format("%-d %b %Y %H:%M %Z"),
        );
        let aside = font::width(&range, TITLE, Weight::Regular).max(font::width(
            &drawn,
            NOTE,
            Weight::Regular,
        ));
        self.canvas
            .text(right, 34.0, &range, Type::new(TITLE, palette.soft).end());
        self.canvas
            .text(right, 53.0, &drawn, Type::new(NOTE, palette.quiet).end());
        let width = self.canvas.text(
            MARGIN,
            46.0,
            "Data quality",
            Type::new(24.0, palette.ink).bold(),
        );
        let start = MARGIN + width + 16.0;
        self.canvas.text_in(
            start,
            46.0,
            right - aside - start - 32.0,
            &data.database,
            Type::new(22.0, palette.soft),
        );
        self.canvas
            .line((MARGIN, 72.0), (right, 72.0), palette.hairline, 1.0);
    }

    fn tiles(&mut self, area: Area) -> Result<()> {
        let width = (area.width + GUTTER) / 6.0;
        let tiles = self.tile_texts(width - GUTTER - 32.0);
        for (place, tile) in tiles.iter().enumerate() {
            let tile_area = Area {
                x: area.x + width * place as f64,
                width: width - GUTTER,
                ..area
            };
            self.tile(tile_area, tile)?;
        }
        Ok(())
    }

    fn tile_texts(&self, room: f64) -> Vec<Tile> {
        let (data, good) = (self.data, self.palette.good);
        let days = count(data.period.days(), "day", "days");
        let tables = count(data.checked.tables as i64, "table", "tables");
        let checked = Tile {
            label: "Rows checked",
            number: short(data.checked.rows),
            sign: None,
            unit: format!("in {days}, {tables}"),
            note: match data.checked.before {
                Some(before) if before > 0 => {
                    let change = (data.checked.rows - before) as f64 / before as f64;
                    let sign = if change < 0.0 { "−" } else { "+" };
                    format!("{sign}{} against the {days} before", percent(change.abs()))
                }
                _ => "as they were written".into(),
            },
            mark: None,
            alarming: false,
            trend: data.steps.iter().map(|step| step.written as f64).collect(),
        };
        let share = |rows: i64| {
            if data.failing.of_rows > 0 {
                rows as f64 / data.failing.of_rows as f64
            } else {
                0.0
            }
        };
        let failing = Tile {
            label: "Failing now",
            number: short(data.failing.rows),
            sign: None,
            unit: if data.failing.of_rows == 0 {
                "no rows yet".into()
            } else if data.failing.rows == 0 {
                format!("of {}", count(data.failing.of_rows, "row", "rows"))
            } else {
                format!("failures in {}", count(data.failing.of_rows, "row", "rows"))
            },
            note: match (data.failing.critical, data.failing.errors) {
                _ if data.rules == 0 => "no rules are declared".into(),
                (0, 0) if data.failing.rows == 0 => "every row passes every rule".into(),
                (0, 0) => "none business critical".into(),
                (0, errors) => format!(
                    "rules could not be evaluated {}",
                    count(errors, "time", "times")
                ),
                (critical, _) => format!(
                    "{} business critical ({})",
                    short(critical),
                    percent(share(critical))
                ),
            },
            mark: match (data.failing.critical, data.failing.errors) {
                _ if data.rules == 0 => None,
                (0, 0) if data.failing.rows == 0 => Some(good),
                (0, 0) => None,
                (0, _) => Some(self.color(Severity::Important)),
                _ => Some(self.color(Severity::Critical)),
            },
            alarming: data.failing.critical > 0,
            trend: data
                .steps
                .iter()
                .map(|step| step.failures() as f64)
                .collect(),
        };
        let aside = &data.set_aside;
        let set_aside = Tile {
            label: "Set aside",
            number: short(aside.held),
            sign: None,
            unit: match (aside.held, aside.oldest) {
                (0, _) => "rows in quarantine".into(),
                (_, None) => "rows in quarantine".into(),
                (_, Some(oldest)) => {
                    format!(
                        "in quarantine, oldest {}",
                        duration(TimeDelta::seconds(oldest))
                    )
                }
            },
            note: format!(
                "{} released, {} discarded",
                short(aside.released),
                short(aside.discarded)
            ),
            mark: None,
            alarming: false,
            trend: Vec::new(),
        };
        let open = data.open_alerts.total();
        let worst = data.open_alerts.worst();
        let alerts = Tile {
            label: "Open alerts",
            number: short(open),
            sign: worst.map(|(severity, _)| severity),
            unit: if open == 0 {
                "all quiet".into()
            } else {
                self.by_severity(room)
            },
            note: match (open, data.open_alerts.acknowledged) {
                (0, _) => format!(
                    "{} in this range",
                    count(data.alerts_in_all as i64, "alert", "alerts")
                ),
                (_, 0) => "none acknowledged".into(),
                (_, taken) => format!("{} acknowledged", short(taken)),
            },
            mark: Some(worst.map_or(good, |(severity, _)| self.color(severity))),
            alarming: worst.is_some(),
            trend: Vec::new(),
        };
        let overdue = Tile {
            label: "Overdue to fix",
            number: short(data.overdue.rows),
            sign: data.overdue.worst,
            unit: if data.overdue.of_rows == 0 {
                "nothing has to be fixed".into()
            } else {
                format!(
                    "of {} to fix",
                    count(data.overdue.of_rows, "failure", "failures")
                )
            },
            note: match data.overdue.worst {
                None => "in time".into(),
                Some(Severity::Critical) => "some business critical".into(),
                Some(severity) => format!("at worst {severity}"),
            },
            mark: Some(
                data.overdue
                    .worst
                    .map_or(good, |severity| self.color(severity)),
            ),
            alarming: data.overdue.worst.is_some(),
            trend: Vec::new(),
        };
        vec![
            checked,
            failing,
            set_aside,
            alerts,
            overdue,
            self.pipeline(),
        ]
    }

    fn by_severity(&self, room: f64) -> String {
        let open: Vec<(Severity, i64)> = Severity::ALL
            .into_iter()
            .zip(self.data.open_alerts.by_severity)
            .filter(|(_, number)| *number > 0)
            .collect();
        let words = |(severity, number): &(Severity, i64)| format!("{} {severity}", short(*number));
        let all = open.iter().map(words).collect::<Vec<_>>().join(", ");
        match open.as_slice() {
            [worst, others @ ..] if font::width(&all, LABEL, Weight::Regular) > room => {
                let others = others.iter().map(|(_, number)| number).sum();
                format!("{}, {} less severe", words(worst), short(others))
            }
            _ => all,
        }
    }

    fn pipeline(&self) -> Tile {
        let pipeline = &self.data.pipeline;
        let lag = pipeline.oldest_waiting.unwrap_or(0.0);
        let late = lag > 300.0;
        let (note, fine) = match (
            pipeline.dead,
            pipeline.paused_channels,
            pipeline.undelivered,
            pipeline.delivered,
        ) {
            (0, 0, 0, 0) => ("no messages yet".to_owned(), true),
            (0, 0, 0, sent) => (
                format!("all {} delivered", count(sent, "message", "messages")),
                true,
            ),
            (0, 0, waiting, _) => (
                format!("{} on the way", count(waiting, "message", "messages")),
                true,
            ),
            (0, paused, ..) => (
                format!("{} paused", count(paused, "channel", "channels")),
                false,
            ),
            (dead, ..) => (
                format!("{} not delivered", count(dead, "message", "messages")),
                false,
            ),
        };
        Tile {
            label: "Pipeline",
            number: if pipeline.ticked || pipeline.waiting > 0 {
                duration(TimeDelta::milliseconds((lag * 1000.0) as i64))
            } else {
                "–".into()
            },
            sign: None,
            unit: if pipeline.ticked {
                "behind the newest write".into()
            } else {
                "no tick has run yet".into()
            },
            note,
            mark: match (fine && !late, pipeline.ticked) {
                (false, _) => Some(self.color(Severity::Important)),
                (true, true) => Some(self.palette.good),
                (true, false) => None,
            },
            alarming: !fine || late,
            trend: Vec::new(),
        }
    }

    fn tile(&mut self, area: Area, tile: &Tile) -> Result<()> {
        let palette = self.palette;
        self.canvas.outline(area, palette.border, 8.0);
        if let Some(color) = tile.mark {
            let strip = Area {
                x: area.x - 1.0,
                y: area.y + 12.0,
                width: 3.0,
                height: area.height - 24.0,
            };
            self.canvas.rectangle(strip, color, 1.5);
        }
        let inside = area.without(16.0, 0.0, 16.0, 0.0);
        self.canvas.text(
            inside.x,
            area.y + 26.0,
            tile.label,
            Type::new(LABEL, palette.soft),
        );
        let mut x = inside.x;
        let color = match (tile.alarming, tile.mark) {
            (true, Some(mark)) => mark,
            _ => palette.ink,
        };
        if let Some(severity) = tile.sign {
            self.canvas
                .sign(severity, (x + 11.0, area.y + 50.0), 20.0, color);
            x += 32.0;
        }
        let width = self.canvas.text(
            x,
            area.y + 60.0,
            &tile.number,
            Type::new(NUMBER, color).bold(),
        );
        self.canvas.text_in(
            inside.x,
            area.y + 80.0,
            inside.width,
            &tile.unit,
            Type::new(LABEL, palette.soft),
        );
        let note = if tile.mark == Some(palette.good) {
            palette.good
        } else {
            palette.quiet
        };
        self.canvas.text_in(
            inside.x,
            area.y + 98.0,
            inside.width,
            &tile.note,
            Type::new(NOTE, note),
        );
        let room = inside.right() - (x + width + 16.0);
        if tile.trend.len() > 1 && room > 40.0 && tile.trend.iter().any(|value| *value > 0.0) {
            let spark = Area {
                x: inside.right() - room.min(84.0),
                y: area.y + 20.0,
                width: room.min(84.0),
                height: 36.0,
            };
            self.sparkline(spark, &tile.trend)?;
        }
        Ok(())
    }

    fn sparkline(&mut self, area: Area, values: &[f64]) -> Result<()> {
        let top = values.iter().copied().fold(1.0, f64::max) * 1.05;
        let line = ShapeStyle {
            color: rgb(self.palette.series).into(),
            filled: false,
            stroke_width: fine(1.4) as u32,
        };
        let last = values.len() - 1;
        self.canvas.plot("sparkline", area, |root| {
            let mut chart =
                ChartBuilder::on(root).build_cartesian_2d(0.0..last as f64, 0.0..top)?;
            let points = values
                .iter()
                .enumerate()
                .map(|(place, value)| (place as f64, *value));
            chart.draw_series(LineSeries::new(points, line))?;
            Ok(())
        })
    }

    /// Columns over time, one layer on another, on a scale that starts at zero. Returns the area of the columns and the
    /// value at its top.
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

    fn findings(&mut self, area: Area) -> Result<()> {
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

    fn failing_rules(&mut self, area: Area) {
        let (data, palette) = (self.data, self.palette);
        let inside = self.title(area, &words::failing(data));
        if data.failing_rules.is_empty() {
            let text = if data.rules == 0 {
                "no rules are declared"
            } else {
                "every row passes every rule"
            };
            self.empty(inside, text);
            return;
        }
        let pitch = 48.0;
        let fit = (((inside.height + 8.0) / pitch) as usize).max(1);
        let shown = data.failing_rules.len().min(fit);
        let most = data
            .failing_rules
            .iter()
            .map(|rule| rule.failing)
            .max()
            .unwrap_or(1)
            .max(1) as f64;
        for (place, rule) in data.failing_rules.iter().take(shown).enumerate() {
            let y = inside.y + pitch * place as f64;
            let color = self.color(rule.severity);
            let number = thousands(rule.failing);
            let width = font::width(&number, LABEL, Weight::Bold);
            self.canvas.text(
                inside.right(),
                y + 10.0,
                &number,
                Type::new(LABEL, palette.ink).bold().end(),
            );
            self.canvas.text_in(
                inside.x,
                y + 10.0,
                inside.width - width - 16.0,
                &rule.says,
                Type::new(LABEL, palette.ink),
            );
            let track = Area {
                x: inside.x,
                y: y + 16.0,
                width: inside.width,
                height: 6.0,
            };
            self.canvas.rectangle(track, palette.track, 3.0);
            let bar = Area {
                width: (inside.width * rule.failing as f64 / most).max(3.0),
                ..track
            };
            self.canvas.rectangle(bar, color, bar.width.min(6.0) / 2.0);
            self.canvas
                .sign(rule.severity, (inside.x + 4.0, y + 31.0), 7.0, color);
            let mut words = vec![rule.severity.name().to_owned(), rule.table.clone()];
            if !rule.owner.is_empty() {
                words.push(rule.owner.clone());
            }
            let since = rule.since.map(|at| format!("since {}", self.day(at)));
            let since_room = since
                .as_deref()
                .map_or(0.0, |text| font::width(text, NOTE, Weight::Regular) + 12.0);
            self.canvas.text_in(
                inside.x + 13.0,
                y + 35.0,
                inside.width - 13.0 - since_room,
                &words.join(" · "),
                Type::new(NOTE, palette.soft),
            );
            if let Some(since) = since {
                self.canvas.text(
                    inside.right(),
                    y + 35.0,
                    &since,
                    Type::new(NOTE, palette.quiet).end(),
                );
            }
        }
        let more = data.failing_rules_in_all.saturating_sub(shown);
        if more > 0 {
            self.canvas.text(
                inside.x,
                area.bottom() + 6.0,
                &format!("and {} more", count(more as i64, "rule", "rules")),
                Type::new(NOTE, palette.quiet),
            );
        }
    }

    fn day(&self, at: DateTime<Utc>) -> String {
        let local = at.with_timezone(&self.data.period.zone).naive_local();
        let pattern = match self.data.period.step {
            StepWidth::Hour => "%-d %b %H:%M",
            StepWidth::Day => "%-d %b",
            StepWidth::Week | StepWidth::Month => "%-d %b %Y",
        };
        local.format(pattern).to_string()
    }

    fn quality(&mut self, area: Area) {
        let (data, palette) = (self.data, self.palette);
        let inside = self.title(area, "Quality by table, share of rows that pass every rule");
        if data.tables.is_empty() {
            self.empty(inside, "no table is watched");
            return;
        }
        let fit = ((inside.height - 30.0) / 28.0) as usize;
        let shown = data.tables.len().min(fit.max(1));
        let pitch = ((inside.height - 34.0) / shown as f64).min(42.0);
        let name_room = data
            .tables
            .iter()
            .take(shown)
            .map(|table| font::width(&clean(&table.table), LABEL, Weight::Regular))
            .fold(60.0, f64::max)
            .min(130.0);
        let scale = Area {
            x: inside.x + name_room + 14.0,
            y: inside.y,
            width: inside.width - name_room - 14.0 - 172.0,
            height: pitch * shown as f64,
        };
        let lowest = data
            .tables
            .iter()
            .take(shown)
            .filter_map(|table| table.at_least)
            .fold(1.0, f64::min);
        let floor = quality_floor(lowest);
        let place_of = |share: f64| scale.x + scale.width * (share - floor) / (1.0 - floor);
        for step in 0..=2 {
            let share = floor + (1.0 - floor) * f64::from(step) / 2.0;
            let x = place_of(share);
            self.canvas.line(
                (x, scale.y),
                (x, scale.bottom() + 2.0),
                palette.hairline,
                1.0,
            );
            self.canvas.text(
                x,
                scale.bottom() + 20.0,
                &format!("{} %", (share * 1000.0).round() / 10.0),
                Type::new(LABEL, palette.soft).middle(),
            );
        }
        for (place, table) in data.tables.iter().take(shown).enumerate() {
            let y = scale.y + pitch * (place as f64 + 0.5);
            self.canvas.text_in(
                inside.x,
                y + 4.0,
                name_room,
                &table.table,
                Type::new(LABEL, palette.ink),
            );
            self.canvas
                .line((scale.x, y), (scale.right(), y), palette.hairline, 2.0);
            let rows = match (table.rules, table.rows) {
                (0, _) => "no rules".to_owned(),
                (_, 1) => "1 row".to_owned(),
                (_, rows) => format!("{} rows", short(rows)),
            };
            self.canvas.text(
                inside.right(),
                y + 4.0,
                &rows,
                Type::new(NOTE, palette.quiet).end(),
            );
            let (Some(low), Some(high)) = (table.at_least, table.at_most) else {
                self.canvas.text(
                    scale.right() + 12.0,
                    y + 4.0,
                    "–",
                    Type::new(LABEL, palette.quiet),
                );
                continue;
            };
            let color = if low >= 0.999 {
                palette.good
            } else {
                palette.series
            };
            if high - low > 0.000_5 {
                self.canvas
                    .line((place_of(low), y), (place_of(high), y), color, 3.0);
                self.canvas.circle((place_of(high), y), 3.0, color);
            }
            self.canvas.circle((place_of(low), y), 6.0, color);
            let number = if percent(low) == percent(high) {
                percent(low)
            } else {
                format!("≥ {}", percent(low))
            };
            self.canvas.text(
                scale.right() + 12.0,
                y + 4.0,
                &number,
                Type::new(LABEL, palette.ink).bold(),
            );
        }
        if data.tables.len() > shown {
            self.canvas.text(
                inside.x,
                area.bottom(),
                &format!(
                    "and {} more",
                    count((data.tables.len() - shown) as i64, "table", "tables")
                ),
                Type::new(NOTE, palette.quiet),
            );
        }
        let ranges =
            data.tables
                .iter()
                .take(shown)
                .any(|table| match (table.at_least, table.at_most) {
                    (Some(low), Some(high)) => percent(low) != percent(high),
                    _ => false,
                });
        if ranges {
            self.canvas.text(
                inside.right(),
                area.bottom() + 2.0,
                "line: as some rows may fail several rules",
                Type::new(NOTE, palette.quiet).end(),
            );
        }
    }

    fn by_hour(&mut self, area: Area) {
        let (data, palette) = (self.data, self.palette);
        let inside = self.title(area, &words::by_hour(data));
        let most = data.by_hour.iter().flatten().copied().max().unwrap_or(0);
        if most == 0 {
            self.empty(inside, "no findings in this range");
            return;
        }
        let grid = inside.without(36.0, 0.0, 0.0, 44.0);
        let (width, height) = (grid.width / 24.0, grid.height / 7.0);
        for (day, name) in ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
            .into_iter()
            .enumerate()
        {
            let y = grid.y + height * day as f64;
            self.canvas.text(
                grid.x - 8.0,
                y + height / 2.0 + 4.0,
                name,
                Type::new(LABEL, palette.soft).end(),
            );
            for hour in 0..24 {
                let value = data.by_hour.get(day).map_or(0, |hours| hours[hour]);
                let cell = Area {
                    x: grid.x + width * hour as f64 + 1.0,
                    y: y + 1.0,
                    width: width - 2.0,
                    height: height - 2.0,
                };
                self.canvas.rectangle(cell, self.heat(value, most), 2.0);
            }
        }
        for hour in (0..24).step_by(3) {
            self.canvas.text(
                grid.x + width * (f64::from(hour) + 0.5),
                grid.bottom() + 16.0,
                &format!("{hour:02}"),
                Type::new(LABEL, palette.soft).middle(),
            );
        }
        let y = area.bottom() + 2.0;
        let mut x = grid.x
            + self
                .canvas
                .text(grid.x, y, "none", Type::new(NOTE, palette.quiet))
            + 8.0;
        let steps: Vec<&'static str> = std::iter::once(palette.track).chain(palette.heat).collect();
        for color in steps {
            self.canvas.rectangle(
                Area {
                    x,
                    y: y - 9.0,
                    width: 14.0,
                    height: 10.0,
                },
                color,
                2.0,
            );
            x += 16.0;
        }
        self.canvas.text(
            x + 6.0,
            y,
            &format!("up to {} an hour of the week", count(most, "row", "rows")),
            Type::new(NOTE, palette.quiet),
        );
    }

    fn heat(&self, value: i64, most: i64) -> &'static str {
        if value <= 0 {
            return self.palette.track;
        }
        // The square root keeps small numbers apart from nothing when one cell is far above the others.
        let share = (value as f64 / most as f64).sqrt();
        let step = (share * 5.0).ceil() as usize;
        self.palette.heat[step.clamp(1, 5) - 1]
    }

    fn alerts(&mut self, area: Area) {
        let (data, palette) = (self.data, self.palette);
        let inside = self.title(area, &words::alerts(data));
        if data.alerts.is_empty() {
            self.empty(inside, "no alerts in this range");
            return;
        }
        let fit = (((inside.height - 48.0) / 26.0) as usize).max(1);
        let shown = data.alerts.len().min(fit);
        let pitch = ((inside.height - 48.0) / shown as f64).min(34.0);
        let names: Vec<String> = data
            .alerts
            .iter()
            .take(shown)
            .map(|alert| clean(&alert.name()))
            .collect();
        let name_room = names
            .iter()
            .map(|name| font::width(name, LABEL, Weight::Regular))
            .fold(60.0, f64::max)
            .min(inside.width * 0.46);
        let axis = Area {
            x: inside.x + name_room + 30.0,
            y: inside.y,
            width: inside.width - name_room - 30.0 - 10.0,
            height: pitch * shown as f64,
        };
        let (start, end) = (data.period.start(), data.period.end());
        let seconds = (end - start).num_seconds().max(1) as f64;
        let place_of = |at: DateTime<Utc>| {
            axis.x + axis.width * ((at - start).num_seconds() as f64 / seconds).clamp(0.0, 1.0)
        };
        let mut free_from = f64::MIN;
        for (tick, label) in
            words::ticks(&data.steps, data.period.step, (axis.width / 70.0) as usize)
        {
            let Some(at) = data.steps[tick]
                .start
                .and_local_timezone(data.period.zone)
                .earliest()
            else {
                continue;
            };
            let (x, label) = (place_of(at.to_utc()), shortened(&label));
            let half = font::width(&label, LABEL, Weight::Regular) / 2.0;
            if x - half > free_from && x + half < inside.right() + 8.0 {
                self.canvas
                    .line((x, axis.y), (x, axis.bottom()), palette.hairline, 1.0);
                self.canvas.text(
                    x,
                    axis.bottom() + 18.0,
                    &label,
                    Type::new(LABEL, palette.soft).middle(),
                );
                free_from = x + half + 12.0;
            }
        }
        for (place, alert) in data.alerts.iter().take(shown).enumerate() {
            let y = axis.y + pitch * (place as f64 + 0.5);
            let color = self.color(alert.severity);
            self.canvas
                .sign(alert.severity, (inside.x + 5.0, y), 9.0, color);
            self.canvas.text_in(
                inside.x + 18.0,
                y + 4.0,
                name_room,
                &names[place],
                Type::new(LABEL, palette.ink),
            );
            let from = place_of(alert.opened_at);
            let to = place_of(
                alert
                    .resolved_at
                    .unwrap_or(data.as_of.clamp(alert.opened_at, end.max(alert.opened_at))),
            );
            let bar = Area {
                x: from.min(axis.right() - 6.0),
                y: y - 4.0,
                width: (to - from).max(6.0),
                height: 8.0,
            };
            self.canvas.rectangle(bar, color, 4.0);
            if alert.resolved_at.is_none() {
                // An open end: an arrow instead of a round cap.
                let x = bar.right();
                self.canvas.path(
                    &format!(
                        "M{x:.1} {:.1}L{:.1} {y:.1}L{x:.1} {:.1}Z",
                        y - 7.0,
                        x + 9.0,
                        y + 7.0
                    ),
                    &format!("fill=\"{color}\""),
                );
            }
        }
        let mut parts = Vec::new();
        if let Some(seconds) = data.median_to_acknowledge {
            parts.push(format!(
                "to acknowledge {}",
                duration(TimeDelta::seconds(seconds))
            ));
        }
        if let Some(seconds) = data.median_to_resolve {
            parts.push(format!(
                "to resolve {}",
                duration(TimeDelta::seconds(seconds))
            ));
        }
        let mut foot = Vec::new();
        if data.alerts_in_all > shown {
            foot.push(format!(
                "and {} more",
                thousands((data.alerts_in_all - shown) as i64)
            ));
        }
        if !parts.is_empty() {
            foot.push(format!("median time {}", parts.join(", ")));
        }
        self.canvas.text_in(
            inside.x,
            area.bottom() + 2.0,
            inside.width,
            &foot.join(" · "),
            Type::new(NOTE, palette.quiet),
        );
    }

    fn changes(&mut self, area: Area) -> Result<()> {
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

/// Where the scale of quality begins: the nearest round share below the lowest.
fn quality_floor(lowest: f64) -> f64 {
    [0.98, 0.95, 0.9, 0.8, 0.5]
        .into_iter()
        .find(|floor| lowest >= *floor)
        .unwrap_or(0.0)
}

fn shortened(label: &str) -> String {
    let mut words = label.split(' ');
    match (words.next(), words.next(), words.next()) {
        (Some(day), Some(month), None) if month.chars().all(char::is_alphabetic) => {
            format!("{day} {}", month.chars().take(3).collect::<String>())
        }
        (Some(month), None, None) if month.chars().all(char::is_alphabetic) => {
            month.chars().take(3).collect()
        }
        _ => label.to_owned(),
    }
}

fn rgb(hex: &str) -> RGBColor {
    let part = |from: usize| {
        hex.get(from..from + 2)
            .and_then(|part| u8::from_str_radix(part, 16).ok())
            .unwrap_or(0)
    };
    RGBColor(part(1), part(3), part(5))
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

    #[test]
    fn the_scale_of_quality_begins_below_the_lowest() {
        assert_eq!(quality_floor(0.999), 0.98);
        assert_eq!(quality_floor(0.74), 0.5);
        assert_eq!(quality_floor(0.1), 0.0);
    }
}
