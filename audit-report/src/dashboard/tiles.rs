//! The row of tiles: one number each, with its unit, a note and where it helps a trend.

use audit_core::Severity;
use chrono::TimeDelta;
use plotters::prelude::{ChartBuilder, LineSeries, ShapeStyle};

use super::draw::Sheet;
use crate::canvas::{Area, Type, fine};
use crate::draw::{GUTTER, rgb};
use crate::error::Result;
use crate::font::{self, Weight};
use crate::format::{count, duration, percent, short};
use crate::style::{LABEL, NOTE, NUMBER};

/// The tick is late when it keeps anything waiting for so many seconds, or did not run for as long.
const LATE: f64 = 300.0;

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

impl Sheet<'_> {
    pub(super) fn tiles(&mut self, area: Area) -> Result<()> {
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
        let (data, good) = (self.data, self.pen.palette.good);
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
                (0, _) => Some(self.pen.color(Severity::Important)),
                _ => Some(self.pen.color(Severity::Critical)),
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
                    format!("rows, oldest {}", duration(TimeDelta::seconds(oldest)))
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
            mark: Some(worst.map_or(good, |(severity, _)| self.pen.color(severity))),
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
                    .map_or(good, |severity| self.pen.color(severity)),
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
        let lag = pipeline.behind;
        // Nothing was written, perhaps; but nothing that time alone causes was noticed either.
        let silent = lag <= LATE && pipeline.silent > LATE;
        let late = lag > LATE || silent;
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
                let shown = if silent { pipeline.silent } else { lag };
                duration(TimeDelta::milliseconds((shown * 1000.0) as i64))
            } else {
                "–".into()
            },
            sign: None,
            unit: if silent {
                "since the last tick".into()
            } else if pipeline.ticked {
                "behind the newest write".into()
            } else {
                "no tick has run yet".into()
            },
            note,
            mark: match (fine && !late, pipeline.ticked) {
                (false, _) => Some(self.pen.color(Severity::Important)),
                (true, true) => Some(self.pen.palette.good),
                (true, false) => None,
            },
            alarming: !fine || late,
            trend: Vec::new(),
        }
    }

    fn tile(&mut self, area: Area, tile: &Tile) -> Result<()> {
        let palette = self.pen.palette;
        self.pen.canvas.outline(area, palette.border, 8.0);
        if let Some(color) = tile.mark {
            let strip = Area {
                x: area.x - 1.0,
                y: area.y + 12.0,
                width: 3.0,
                height: area.height - 24.0,
            };
            self.pen.canvas.rectangle(strip, color, 1.5);
        }
        let inside = area.without(16.0, 0.0, 16.0, 0.0);
        self.pen.canvas.text(
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
            self.pen
                .canvas
                .sign(severity, (x + 11.0, area.y + 50.0), 20.0, color);
            x += 32.0;
        }
        let width = self.pen.canvas.text(
            x,
            area.y + 60.0,
            &tile.number,
            Type::new(NUMBER, color).bold(),
        );
        self.pen.canvas.text_in(
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
        self.pen.canvas.text_in(
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
            color: rgb(self.pen.palette.series).into(),
            filled: false,
            stroke_width: fine(1.4) as u32,
        };
        let last = values.len() - 1;
        self.pen.canvas.plot("sparkline", area, |root| {
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
}
