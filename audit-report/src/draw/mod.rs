//! The drawings that the dashboard and the charts share: each is given figures and a part of a picture, and knows no
//! database.

mod alerts;
mod columns;
mod findings;
mod heat;
mod lines;
mod quality;
mod rows;

use audit_core::{Severity, Theme};
use plotters::prelude::RGBColor;

use crate::canvas::{Area, Canvas, Type};
use crate::style::{LABEL, Palette, Style, TITLE};

pub(crate) use alerts::Alerts;
pub(crate) use columns::scale;
pub(crate) use findings::Findings;
pub(crate) use lines::{Line, Scale};
pub(crate) use rows::{Row, Rows};

/// Around a picture.
pub(crate) const MARGIN: f64 = 24.0;
/// Between its parts.
pub(crate) const GUTTER: f64 = 24.0;

/// Paper, and the colours to draw on it with.
pub(crate) struct Pen {
    pub(crate) canvas: Canvas,
    pub(crate) palette: &'static Palette,
    pub(crate) theme: Theme,
}

impl Pen {
    /// Blank paper.
    pub(crate) fn new(style: &Style) -> Self {
        Pen {
            canvas: Canvas::new(style),
            palette: style.palette(),
            theme: style.theme,
        }
    }

    pub(crate) fn color(&self, severity: Severity) -> &'static str {
        severity.color(self.theme)
    }

    /// Writes the title of a part, and returns what is left of it.
    pub(crate) fn title(&mut self, area: Area, text: &str) -> Area {
        self.canvas.text_in(
            area.x,
            area.y + 14.0,
            area.width,
            text,
            Type::new(TITLE, self.palette.ink).bold(),
        );
        area.without(0.0, 32.0, 0.0, 0.0)
    }

    /// Says why there is nothing to see.
    pub(crate) fn empty(&mut self, area: Area, text: &str) {
        self.canvas.text_in(
            area.x + area.width / 2.0,
            area.y + area.height / 2.0,
            area.width,
            text,
            Type::new(LABEL, self.palette.quiet).middle(),
        );
    }
}

pub(crate) fn rgb(hex: &str) -> RGBColor {
    let part = |from: usize| {
        hex.get(from..from + 2)
            .and_then(|part| u8::from_str_radix(part, 16).ok())
            .unwrap_or(0)
    };
    RGBColor(part(1), part(3), part(5))
}
