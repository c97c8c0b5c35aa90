//! Draws a dashboard: a row of tiles, then charts on a grid of twelve columns.

use chrono::{DateTime, Utc};

use super::data::Dashboard;
use crate::canvas::{Area, Type};
use crate::draw::{Alerts, Findings, GUTTER, MARGIN, Pen, scale};
use crate::error::Result;
use crate::font::{self, Weight};
use crate::format::{bytes, count, date_range, percent, short, thousands};
use crate::period::StepWidth;
use crate::style::{LABEL, NOTE, Style, TITLE};
use crate::words;

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
    let mut sheet = Sheet {
        pen: Pen::new(&style),
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

    sheet.header();
    sheet.tiles(Area {
        x: MARGIN,
        y: 88.0,
        width: sheet.width - 2.0 * MARGIN,
        height: 112.0,
    })?;
    let column = (sheet.width - 2.0 * MARGIN + GUTTER) / 12.0;
    let cell = |from: u32, to: u32, y: f64, height: f64| Area {
        x: MARGIN + column * f64::from(from),
        y,
        width: column * f64::from(to - from) - GUTTER,
        height: height - GUTTER,
    };
    let titles = Titles::of(dashboard);
    let pen = &mut sheet.pen;
    let inside = pen.title(cell(0, 8, top, first), &titles.findings);
    pen.findings(
        inside,
        &Findings {
            period: &dashboard.period,
            steps: &dashboard.steps,
            alerts: &dashboard.alerts,
        },
    )?;
    let inside = pen.title(cell(0, 4, middle, second), words::QUALITY);
    pen.quality(inside, &dashboard.tables, dashboard.checked.tables);
    let inside = pen.title(
        cell(4, 8, middle, second),
        &words::by_hour(&dashboard.by_hour),
    );
    pen.by_hour(inside, &dashboard.by_hour);
    let inside = pen.title(cell(8, 12, middle, second), &titles.alerts);
    pen.alerts(
        inside,
        &Alerts {
            period: &dashboard.period,
            as_of: dashboard.as_of,
            alerts: &dashboard.alerts,
            in_all: dashboard.alerts_in_all,
            median_to_acknowledge: dashboard.median_to_acknowledge,
            median_to_resolve: dashboard.median_to_resolve,
        },
    );
    pen.canvas.line(
        (MARGIN, bottom - 8.0),
        (f64::from(style.width) - MARGIN, bottom - 8.0),
        pen.palette.hairline,
        1.0,
    );
    sheet.failing_rules(cell(8, 12, top, first), &titles.failing);
    sheet.changes(cell(0, 12, bottom + 4.0, third - 4.0 + GUTTER))?;

    let title = format!("Data quality of {}", dashboard.database);
    let description = format!(
        "{}. {}. {}.",
        titles.findings, titles.failing, titles.alerts
    );
    Ok(sheet.pen.canvas.finish(&title, &description))
}

/// What the titles of its charts say, which is also what is said to people who hear a picture instead of seeing it.
struct Titles {
    findings: String,
    failing: String,
    alerts: String,
}

impl Titles {
    fn of(dashboard: &Dashboard) -> Self {
        Titles {
            findings: words::findings(&dashboard.steps, dashboard.period.step),
            failing: words::failing(dashboard.failing_rules_in_all, dashboard.rules),
            alerts: words::alerts(dashboard.alerts_in_all, dashboard.open_alerts.total()),
        }
    }
}

/// A picture under construction, and what it shows.
pub(super) struct Sheet<'a> {
    pub(super) pen: Pen,
    pub(super) width: f64,
    pub(super) data: &'a Dashboard,
}

impl Sheet<'_> {
    fn header(&mut self) {
        let (data, palette) = (self.data, self.pen.palette);
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
        self.pen
            .canvas
            .text(right, 34.0, &range, Type::new(TITLE, palette.soft).end());
        self.pen
            .canvas
            .text(right, 53.0, &drawn, Type::new(NOTE, palette.quiet).end());
        let title = if data.title.is_empty() {
            "Data quality"
        } else {
            &data.title
        };
        let room = right - aside - MARGIN - 32.0;
        let look = Type::new(24.0, palette.ink).bold();
        let width = self
            .pen
            .canvas
            .text_in(MARGIN, 46.0, room * 0.7, title, look);
        let look = Type::new(NOTE, palette.soft);
        self.pen
            .canvas
            .text_in(MARGIN, 64.0, room, &data.only, look);
        let start = MARGIN + width + 16.0;
        self.pen.canvas.text_in(
            start,
            46.0,
            right - aside - start - 32.0,
            &data.database,
            Type::new(22.0, palette.soft),
        );
        self.pen
            .canvas
            .line((MARGIN, 72.0), (right, 72.0), palette.hairline, 1.0);
    }

    fn failing_rules(&mut self, area: Area, title: &str) {
        let (data, palette) = (self.data, self.pen.palette);
        let inside = self.pen.title(area, title);
        if data.failing_rules.is_empty() {
            let text = if data.rules == 0 {
                "no rules are declared"
            } else {
                "every row passes every rule"
            };
            self.pen.empty(inside, text);
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
            let color = self.pen.color(rule.severity);
            let number = thousands(rule.failing);
            let width = font::width(&number, LABEL, Weight::Bold);
            self.pen.canvas.text(
                inside.right(),
                y + 10.0,
                &number,
                Type::new(LABEL, palette.ink).bold().end(),
            );
            self.pen.canvas.text_in(
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
            self.pen.canvas.rectangle(track, palette.track, 3.0);
            let bar = Area {
                width: (inside.width * rule.failing as f64 / most).max(3.0),
                ..track
            };
            self.pen
                .canvas
                .rectangle(bar, color, bar.width.min(6.0) / 2.0);
            self.pen
                .canvas
                .sign(rule.severity, (inside.x + 4.0, y + 31.0), 7.0, color);
            let mut words = vec![rule.severity.name().to_owned(), rule.table.clone()];
            if !rule.owner.is_empty() {
                words.push(rule.owner.clone());
            }
            let since = rule.since.map(|at| format!("since {}", self.day(at)));
            let since_room = since
                .as_deref()
                .map_or(0.0, |text| font::width(text, NOTE, Weight::Regular) + 12.0);
            self.pen.canvas.text_in(
                inside.x + 13.0,
                y + 35.0,
                inside.width - 13.0 - since_room,
                &words.join(" · "),
                Type::new(NOTE, palette.soft),
            );
            if let Some(since) = since {
                self.pen.canvas.text(
                    inside.right(),
                    y + 35.0,
                    &since,
                    Type::new(NOTE, palette.quiet).end(),
                );
            }
        }
        let more = data.failing_rules_in_all.saturating_sub(shown);
        if more > 0 {
            self.pen.canvas.text(
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
            StepWidth::Week | StepWidth::Month | StepWidth::Year => "%-d %b %Y",
        };
        local.format(pattern).to_string()
    }

    fn changes(&mut self, area: Area) -> Result<()> {
        let (data, palette) = (self.data, self.pen.palette);
        let inside = self
            .pen
            .title(area, &words::changes(&data.steps, data.period.step));
        let plot = inside.without(52.0, -4.0, 252.0, 22.0);
        let values: Vec<i64> = data.steps.iter().map(|step| step.written).collect();
        let highest = values.iter().copied().max().unwrap_or(0);
        if highest == 0 {
            self.pen.empty(plot, "no changes in this range");
        } else {
            let (tick, top) = scale(highest, 2);
            let ticks: Vec<f64> = (0..=top / tick)
                .map(|place| (place * tick) as f64)
                .collect();
            self.pen.columns(
                "changes",
                plot,
                top as f64,
                &ticks,
                &[(palette.series_soft, values)],
            )?;
            let starts: Vec<_> = data.steps.iter().map(|step| step.start).collect();
            self.pen.time_labels(plot, &starts, data.period.step);
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
            self.pen
                .canvas
                .text(x, y, &head, Type::new(NOTE, palette.quiet));
            y += 17.0;
        }
        for writer in data.writers.iter().take(shown) {
            let share = percent(writer.rows as f64 / all as f64);
            let width = font::width(&share, LABEL, Weight::Bold);
            self.pen.canvas.text(
                inside.right(),
                y,
                &share,
                Type::new(LABEL, palette.ink).bold().end(),
            );
            self.pen.canvas.text_in(
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
        self.pen.canvas.text_in(
            x,
            area.bottom() - GUTTER + 18.0,
            inside.right() - x,
            &foot.join(" · "),
            Type::new(NOTE, palette.quiet),
        );
        Ok(())
    }
}
