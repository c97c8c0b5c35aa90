//! Bars below each other, with a name at the left and a number at the right.

use audit_core::Severity;

use super::Pen;
use crate::canvas::{Area, Type, clean, number};
use crate::font::{self, Weight};
use crate::format::count;
use crate::style::{LABEL, NOTE};

/// One bar.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) sign: Option<Severity>,
    pub(crate) label: String,
    /// Its parts from left to right, with their colours.
    pub(crate) parts: Vec<(f64, &'static str)>,
    /// Its number, beside its end.
    pub(crate) text: String,
    /// Where it should end.
    pub(crate) mark: Option<f64>,
}

/// Bars on one scale.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a> {
    pub(crate) rows: &'a [Row],
    /// How many there are; may be more than are in the list.
    pub(crate) in_all: usize,
    /// What they are about: one, and many.
    pub(crate) what: (&'static str, &'static str),
    /// The value of the whole width, where the longest bar does not say it.
    pub(crate) top: Option<f64>,
    /// Room that is left free at the right.
    pub(crate) aside: f64,
}

const PITCH: f64 = 26.0;
const BAR: f64 = 12.0;

impl Pen {
    /// Draws as many as there is room for, says how many more there are, and returns the middles of those drawn and the
    /// part of the area that bars are drawn in.
    pub(crate) fn rows(&mut self, area: Area, data: &Rows<'_>) -> (Vec<f64>, Area) {
        let palette = self.palette;
        let room_for = |height: f64| ((height / PITCH) as usize).max(1);
        let mut shown = data.rows.len().min(room_for(area.height));
        if data.in_all > shown {
            shown = data.rows.len().min(room_for(area.height - 18.0));
        }
        let rows = &data.rows[..shown];
        let pitch = ((area.height - 18.0) / shown.max(1) as f64).clamp(PITCH, 40.0);
        let widest = |texts: &mut dyn Iterator<Item = &str>, weight: Weight| {
            texts
                .map(|text| font::width(&clean(text), LABEL, weight))
                .fold(0.0, f64::max)
        };
        let signs = if rows.iter().any(|row| row.sign.is_some()) {
            18.0
        } else {
            0.0
        };
        let inner = area.width - data.aside;
        let labels = widest(
            &mut rows.iter().map(|row| row.label.as_str()),
            Weight::Regular,
        )
        .min(inner * 0.42);
        let texts =
            widest(&mut rows.iter().map(|row| row.text.as_str()), Weight::Bold).min(inner * 0.34);
        let bars = Area {
            x: area.x + signs + labels + 12.0,
            y: area.y,
            width: (inner - signs - labels - texts - 24.0).max(20.0),
            height: pitch * shown as f64,
        };
        let total = |row: &Row| row.parts.iter().map(|(value, _)| value).sum::<f64>();
        let low = rows.iter().map(total).fold(0.0, f64::min);
        let high = data.top.unwrap_or_else(|| {
            rows.iter()
                .map(|row| total(row).max(row.mark.unwrap_or(0.0)))
                .fold(0.0, f64::max)
        });
        let span = if high > low { high - low } else { 1.0 };
        let place = |value: f64| bars.x + bars.width * ((value - low) / span).clamp(0.0, 1.0);
        let mut middles = Vec::new();
        for (nth, row) in rows.iter().enumerate() {
            let y = area.y + pitch * (nth as f64 + 0.5);
            middles.push(y);
            if let Some(severity) = row.sign {
                self.canvas
                    .sign(severity, (area.x + 5.0, y), 9.0, self.color(severity));
            }
            let look = Type::new(LABEL, palette.ink);
            self.canvas
                .text_in(area.x + signs, y + 4.0, labels, &row.label, look);
            if let Some(mark) = row.mark {
                let track = Area {
                    x: bars.x,
                    y: y - BAR / 2.0,
                    width: place(mark) - bars.x,
                    height: BAR,
                };
                self.canvas.rectangle(track, palette.track, 2.0);
            }
            let mut value = 0.0_f64;
            for (part, color) in &row.parts {
                let (from, to) = (
                    place(value.min(value + part)),
                    place(value.max(value + part)),
                );
                value += part;
                if *part == 0.0 {
                    continue;
                }
                let bar = Area {
                    x: from,
                    y: y - BAR / 2.0,
                    width: (to - from).max(2.0),
                    height: BAR,
                };
                self.canvas.rectangle(bar, color, 2.0);
            }
            if value > high && high > 0.0 {
                self.beyond(
                    bars.right(),
                    y,
                    row.parts.last().map_or(palette.series, |(_, color)| color),
                );
            }
            let mut end = place(value.max(0.0));
            if let Some(mark) = row.mark {
                let x = place(mark);
                let (from, to) = ((x, y - BAR), (x, y + BAR));
                self.canvas.line(from, to, palette.ink, 1.5);
                end = end.max(x);
            }
            let look = Type::new(LABEL, palette.ink).bold();
            let x = if value > high {
                bars.right() + 8.0
            } else {
                end
            };
            self.canvas
                .text_in(x + 8.0, y + 4.0, texts, &row.text, look);
        }
        if data.in_all > shown {
            let (one, many) = data.what;
            let more = count((data.in_all - shown) as i64, one, many);
            let look = Type::new(NOTE, palette.quiet);
            self.canvas.text(
                area.x,
                area.bottom() - 2.0,
                &format!("and {more} more"),
                look,
            );
        }
        (middles, bars)
    }

    /// The head of an arrow on a bar that is longer than there is room for.
    fn beyond(&mut self, x: f64, y: f64, color: &str) {
        let (x, top, bottom) = (x - 1.0, y - 9.0, y + 9.0);
        self.canvas.path(
            &format!(
                "M{} {}L{} {}L{} {}Z",
                number(x),
                number(top),
                number(x + 9.0),
                number(y),
                number(x),
                number(bottom)
            ),
            &format!("fill=\"{color}\""),
        );
    }

    /// What colours mean: squares with words, as many as there is room for.
    pub(crate) fn legend(&mut self, area: Area, y: f64, entries: &[(&'static str, String)]) {
        let mut x = area.x;
        for (color, text) in entries {
            let room = (area.right() - x - 16.0).min(area.width * 0.4);
            if room < 24.0 {
                break;
            }
            let square = Area {
                x,
                y: y - 9.0,
                width: 10.0,
                height: 10.0,
            };
            self.canvas.rectangle(square, color, 2.0);
            let look = Type::new(NOTE, self.palette.soft);
            x += 15.0 + self.canvas.text_in(x + 15.0, y, room, text, look) + 16.0;
        }
    }
}
