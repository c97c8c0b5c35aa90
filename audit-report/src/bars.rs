//! Bars that compare things: a panel for each question, a bar for each answer, and a mark where a bar should end.
//!
//! # Examples
//! ```
//! use audit_report::Style;
//! use audit_report::bars::{Bar, Panel, svg};
//!
//! let panel = Panel {
//!     title: "Seconds for one statement of 100,000 rows".into(),
//!     bars: vec![
//!         Bar::new("no trigger", 0.2, "0.2 s"),
//!         Bar { target: Some(0.4), met: Some(true), ..Bar::new("watched", 0.38, "0.4 s") },
//!     ],
//! };
//! let picture = svg("What watching costs", "medians of 5 rounds", &[panel], &Style::light());
//! assert!(picture.contains("watched"));
//! ```

use audit_core::Severity;

use crate::canvas::{Area, Canvas, Type};
use crate::font::{self, Weight};
use crate::style::{LABEL, NOTE, Style, TITLE};

const MARGIN: f64 = 24.0;
const GUTTER: f64 = 40.0;
const HEADER: f64 = 72.0;
/// The room of a panel's title and of one bar.
const PANEL_TITLE: f64 = 32.0;
const ROW: f64 = 24.0;
const BAR: f64 = 14.0;
/// Panels side by side.
const COLUMNS: usize = 2;

/// A question and its answers, which share one scale that starts at zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// A sentence that says what is shown.
    pub title: String,
    /// From top to bottom.
    pub bars: Vec<Bar>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// What it is about.
    pub label: String,
    /// How long it is.
    pub value: f64,
    /// The value as a person reads it.
    pub text: String,
    /// Whether it is what the picture is about, or only there to be compared with.
    pub own: bool,
    /// Where it should end.
    pub target: Option<f64>,
    /// Whether that was reached.
    pub met: Option<bool>,
}

impl Bar {
    /// A bar that is only there to be compared with.
    #[must_use]
    pub fn new(label: impl Into<String>, value: f64, text: impl Into<String>) -> Self {
        Bar {
            label: label.into(),
            value,
            text: text.into(),
            own: false,
            target: None,
            met: None,
        }
    }
}

/// Draws the panels, two in a row. The width is that of the style, the height what they need.
#[must_use]
pub fn svg(title: &str, note: &str, panels: &[Panel], style: &Style) -> String {
    let rows = panels.chunks(COLUMNS);
    let height_of = |row: &[Panel]| {
        let most = row.iter().map(|panel| panel.bars.len()).max().unwrap_or(0);
        PANEL_TITLE + most as f64 * ROW + MARGIN
    };
    let height = HEADER + rows.clone().map(height_of).sum::<f64>() + MARGIN / 2.0;
    let style = Style {
        height: height.ceil() as u32,
        ..style.clone()
    };
    let palette = style.palette();
    let width = f64::from(style.width);
    let mut canvas = Canvas::new(&style);
    canvas.text(MARGIN, 34.0, title, Type::new(18.0, palette.ink).bold());
    let room = width - 2.0 * MARGIN;
    canvas.text_in(MARGIN, 54.0, room, note, Type::new(NOTE, palette.quiet));

    let panel_width = (room - GUTTER) / COLUMNS as f64;
    let mut y = HEADER + 8.0;
    for row in rows {
        for (column, panel) in row.iter().enumerate() {
            let area = Area {
                x: MARGIN + column as f64 * (panel_width + GUTTER),
                y,
                width: panel_width,
                height: height_of(row),
            };
            draw(&mut canvas, &style, area, panel);
        }
        y += height_of(row);
    }
    let description: Vec<&str> = panels.iter().map(|panel| panel.title.as_str()).collect();
    canvas.finish(title, &(description.join(". ") + "."))
}

fn draw(canvas: &mut Canvas, style: &Style, area: Area, panel: &Panel) {
    let palette = style.palette();
    let look = Type::new(TITLE, palette.ink).bold();
    canvas.text_in(area.x, area.y + 12.0, area.width, &panel.title, look);
    let widest = |texts: &mut dyn Iterator<Item = &str>| {
        texts
            .map(|text| font::width(text, LABEL, Weight::Bold))
            .fold(0.0, f64::max)
    };
    let labels = widest(&mut panel.bars.iter().map(|bar| bar.label.as_str()));
    let labels = labels.min(area.width * 0.45) + 12.0;
    let texts = widest(&mut panel.bars.iter().map(|bar| bar.text.as_str())) + 8.0;
    let bars = area.without(labels, PANEL_TITLE, texts, 0.0);
    let longest = panel
        .bars
        .iter()
        .map(|bar| bar.value.max(bar.target.unwrap_or(0.0)))
        .fold(f64::MIN_POSITIVE, f64::max);
    for (position, bar) in panel.bars.iter().enumerate() {
        let top = bars.y + position as f64 * ROW;
        let middle = top + ROW / 2.0;
        let (ink, fill) = if bar.own {
            (palette.ink, palette.series)
        } else {
            (palette.soft, palette.series_soft)
        };
        let mut label = Type::new(LABEL, ink);
        if bar.own {
            label = label.bold();
        }
        canvas.text_in(area.x, middle + 4.0, labels - 12.0, &bar.label, label);
        let length = (bar.value / longest * bars.width).max(1.0);
        let shape = Area {
            x: bars.x,
            y: middle - BAR / 2.0,
            width: length,
            height: BAR,
        };
        canvas.rectangle(shape, fill, 2.0);
        let mut end = length;
        if let Some(target) = bar.target {
            let x = target / longest * bars.width;
            let place = bars.x + x;
            canvas.line(
                (place, top + 2.0),
                (place, top + ROW - 2.0),
                palette.ink,
                1.5,
            );
            end = end.max(x);
        }
        let color = match bar.met {
            Some(true) => palette.good,
            Some(false) => Severity::Critical.color(style.theme),
            None => ink,
        };
        let mut text = Type::new(LABEL, color);
        if bar.own {
            text = text.bold();
        }
        canvas.text(bars.x + end + 8.0, middle + 4.0, &bar.text, text);
    }
}
