//! Draws a dashboard: a row of tiles, then charts on a grid of twelve columns.
mod over_time;
mod panels;
mod tiles;

use audit_core::{Severity, Theme};
use plotters::prelude::RGBColor;

use super::data::Dashboard;
use super::words;
use crate::canvas::{Area, Canvas, Type};
use crate::error::Result;
use crate::font::{self, Weight};
use crate::format::date_range;
use crate::style::{LABEL, NOTE, Palette, Style, TITLE};

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
}

fn rgb(hex: &str) -> RGBColor {
    let part = |from: usize| {
        hex.get(from..from + 2)
            .and_then(|part| u8::from_str_radix(part, 16).ok())
            .unwrap_or(0)
    };
    RGBColor(part(1), part(3), part(5))
}
