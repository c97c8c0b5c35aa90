//! What stands around every chart: its title, of what it is, and how it is computed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Chart;
use crate::canvas::{Area, Type};
use crate::draw::Pen;
use crate::error::Result;
use crate::font::{self, Weight};
use crate::format::date_range;
use crate::period::Period;
use crate::style::{NOTE, Style, TITLE};

/// Of what database, days and time figures are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Name of the database.
    pub database: String,
    /// First and last day, and the zone they are told in.
    pub period: Period,
    /// The moment the figures are of: the clock of the pipeline, which in a replay is that of what it replays.
    pub as_of: DateTime<Utc>,
    /// When the figures were read.
    pub drawn_at: DateTime<Utc>,
    /// What was left out, in words; empty when nothing was.
    pub only: String,
}

impl Frame {
    /// The days and the zone, for example `1 Jan – 28 Feb 2013, America/New_York`.
    pub fn days(&self) -> String {
        format!(
            "{}, {}",
            date_range(self.period.first, self.period.last),
            self.period.zone.name()
        )
    }

    /// A time in the zone of the chart.
    pub(super) fn local(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.period.zone)
            .format("%-d %b %Y %H:%M")
            .to_string()
    }
}

/// How large a chart is drawn, in pixels at 1×.
///
/// # Examples
/// ```
/// use audit_report::chart::Size;
/// assert_eq!("800x450".parse(), Ok(Size::default()));
/// assert!("800".parse::<Size>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Width, no less than [`Size::LEAST`].
    pub width: u32,
    /// Height, no less than [`Size::LEAST`].
    pub height: u32,
}

impl Size {
    /// The smallest size in which every chart can be read.
    pub const LEAST: Size = Size {
        width: 360,
        height: 360,
    };
}

/// A size that can not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no size: write width x height in pixels, for example 800x450, of 100 to 10000 each"
)]
pub struct NoSize {
    /// What was given.
    pub text: String,
}

impl std::str::FromStr for Size {
    type Err = NoSize;

    fn from_str(text: &str) -> Result<Self, NoSize> {
        let (width, height) = text.split_once(['x', '×']).unwrap_or_default();
        let pixels = |text: &str| {
            text.parse()
                .ok()
                .filter(|pixels| (100..=10_000).contains(pixels))
        };
        match (pixels(width), pixels(height)) {
            (Some(width), Some(height)) => Ok(Size { width, height }),
            _ => Err(NoSize {
                text: text.to_owned(),
            }),
        }
    }
}

/// 800 × 450.
impl Default for Size {
    fn default() -> Self {
        Size {
            width: 800,
            height: 450,
        }
    }
}

const LINE: f64 = 15.0;

pub(super) fn svg(chart: &Chart, style: &Style, size: Size) -> Result<String> {
    let style = Style {
        theme: style.theme,
        width: size.width.max(Size::LEAST.width),
        height: size.height.max(Size::LEAST.height),
    };
    let mut pen = Pen::new(&style);
    let palette = pen.palette;
    let (width, height) = (f64::from(style.width), f64::from(style.height));
    let margin = if width < 600.0 { 16.0 } else { 24.0 };
    let room = width - 2.0 * margin;

    let mut y = margin + 12.0;
    for line in font::wrap(&chart.title, TITLE, Weight::Bold, room, 2) {
        let look = Type::new(TITLE, palette.ink).bold();
        pen.canvas.text(margin, y, &line, look);
        y += 19.0;
    }
    let frame = &chart.frame;
    let about: Vec<String> = [frame.database.clone(), frame.days(), frame.only.clone()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    for line in font::wrap(&about.join(" · "), NOTE, Weight::Regular, room, 2) {
        pen.canvas
            .text(margin, y, &line, Type::new(NOTE, palette.soft));
        y += LINE;
    }

    let lines = font::wrap(&chart.note, NOTE, Weight::Regular, room, 3);
    let mut foot = height - margin - LINE * lines.len() as f64;
    let area = Area {
        x: margin,
        y: y + 6.0,
        width: room,
        height: foot - 8.0 - (y + 6.0),
    };
    for line in lines {
        foot += LINE;
        pen.canvas
            .text(margin, foot - 2.0, &line, Type::new(NOTE, palette.quiet));
    }
    chart.data.figures().draw(&mut pen, area, frame)?;
    Ok(pen.canvas.finish(&chart.title, &chart.description))
}

/// The picture without the words around it, for a page that has them as text.
pub(super) fn bare(chart: &Chart, style: &Style, size: Size) -> Result<String> {
    let style = Style {
        theme: style.theme,
        width: size.width,
        height: size.height,
    };
    let mut pen = Pen::new(&style);
    let area = Area {
        x: 2.0,
        y: 6.0,
        width: f64::from(size.width) - 4.0,
        height: f64::from(size.height) - 12.0,
    };
    chart.data.figures().draw(&mut pen, area, &chart.frame)?;
    Ok(pen.canvas.finish(&chart.title, &chart.description))
}
