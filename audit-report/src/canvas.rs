//! Ink on paper: an SVG under construction. Charts are drawn by plotters into a part of it; words, rounded shapes and
//! the signs of the severities are written beside them, because plotters knows neither fonts' widths nor round corners.

use std::fmt::Write as _;

use audit_core::Severity;
use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, IntoDrawingArea, SVGBackend};

use crate::error::{Error, Result};
use crate::font::{self, Weight};
use crate::style::Style;

/// plotters counts in whole units, so charts are drawn this much larger and scaled back: columns then differ in width
/// by a tenth of a pixel at most.
const FINE: f64 = 10.0;

/// A rectangle of the picture, in pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Area {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Area {
    pub(crate) fn right(self) -> f64 {
        self.x + self.width
    }

    pub(crate) fn bottom(self) -> f64 {
        self.y + self.height
    }

    /// The area without a strip on each side.
    pub(crate) fn without(self, left: f64, top: f64, right: f64, bottom: f64) -> Area {
        Area {
            x: self.x + left,
            y: self.y + top,
            width: (self.width - left - right).max(1.0),
            height: (self.height - top - bottom).max(1.0),
        }
    }
}

/// Which point of a text its position means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Type {
    pub(crate) size: f64,
    pub(crate) weight: Weight,
    pub(crate) color: &'static str,
    pub(crate) anchor: Anchor,
}

impl Type {
    pub(crate) fn new(size: f64, color: &'static str) -> Self {
        Type {
            size,
            weight: Weight::Regular,
            color,
            anchor: Anchor::Start,
        }
    }

    pub(crate) fn bold(self) -> Self {
        Type {
            weight: Weight::Bold,
            ..self
        }
    }

    pub(crate) fn middle(self) -> Self {
        Type {
            anchor: Anchor::Middle,
            ..self
        }
    }

    pub(crate) fn end(self) -> Self {
        Type {
            anchor: Anchor::End,
            ..self
        }
    }
}

/// The part of a picture that plotters draws on.
pub(crate) type Plot<'a, 'b> = DrawingArea<SVGBackend<'a>, Shift>;

/// The picture.
pub(crate) struct Canvas {
    width: f64,
    height: f64,
    body: String,
}

impl Canvas {
    /// Blank paper in the colour of the theme.
    pub(crate) fn new(style: &Style) -> Self {
        let mut canvas = Canvas {
            width: f64::from(style.width),
            height: f64::from(style.height),
            body: String::new(),
        };
        let all = Area {
            x: 0.0,
            y: 0.0,
            width: canvas.width,
            height: canvas.height,
        };
        canvas.rectangle(all, style.palette().paper, 0.0);
        canvas
    }

    /// Writes a text with its baseline at `y`, and returns its width.
    pub(crate) fn text(&mut self, x: f64, y: f64, text: &str, look: Type) -> f64 {
        let text = clean(text);
        if text.is_empty() {
            return 0.0;
        }
        let anchor = match look.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let weight = if look.weight == Weight::Bold {
            " font-weight=\"bold\""
        } else {
            ""
        };
        let _ = writeln!(
            self.body,
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\"{weight}{anchor} fill=\"{}\">{}</text>",
            number(x),
            number(y),
            number(look.size),
            look.color,
            escape(&text)
        );
        font::width(&text, look.size, look.weight)
    }

    /// Writes a text that is shortened in its middle where it does not fit, and returns its width.
    pub(crate) fn text_in(&mut self, x: f64, y: f64, room: f64, text: &str, look: Type) -> f64 {
        let shortened = font::fit(&clean(text), look.size, look.weight, room);
        self.text(x, y, &shortened, look)
    }

    /// A filled rectangle with rounded corners.
    pub(crate) fn rectangle(&mut self, area: Area, fill: &str, radius: f64) {
        let _ = write!(
            self.body,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"",
            number(area.x),
            number(area.y),
            number(area.width),
            number(area.height)
        );
        if radius > 0.0 {
            let _ = write!(self.body, " rx=\"{}\"", number(radius));
        }
        let _ = writeln!(self.body, " fill=\"{fill}\"/>");
    }

    /// The outline of a rectangle.
    pub(crate) fn outline(&mut self, area: Area, stroke: &str, radius: f64) {
        let _ = writeln!(
            self.body,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\" fill=\"none\" stroke=\"{stroke}\"/>",
            number(area.x),
            number(area.y),
            number(area.width),
            number(area.height),
            number(radius)
        );
    }

    /// A straight line.
    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: &str, width: f64) {
        let _ = writeln!(
            self.body,
            "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"{stroke}\" stroke-width=\"{}\"/>",
            number(from.0),
            number(from.1),
            number(to.0),
            number(to.1),
            number(width)
        );
    }

    /// A path in SVG's own words, filled or drawn as a line.
    pub(crate) fn path(&mut self, data: &str, attributes: &str) {
        let _ = writeln!(self.body, "<path d=\"{data}\" {attributes}/>");
    }

    /// A filled circle.
    pub(crate) fn circle(&mut self, center: (f64, f64), radius: f64, fill: &str) {
        let _ = writeln!(
            self.body,
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{fill}\"/>",
            number(center.0),
            number(center.1),
            number(radius)
        );
    }

    /// The sign of a severity (▲ ◆ ● ○), drawn as a shape so that no font has to have it. `size` is its height; it
    /// returns the width that it takes.
    pub(crate) fn sign(
        &mut self,
        severity: Severity,
        center: (f64, f64),
        size: f64,
        color: &str,
    ) -> f64 {
        let (x, y) = center;
        let half = size / 2.0;
        match severity {
            Severity::Critical => self.path(
                &format!(
                    "M{} {}L{} {}L{} {}Z",
                    number(x),
                    number(y - half),
                    number(x + half * 1.1),
                    number(y + half),
                    number(x - half * 1.1),
                    number(y + half)
                ),
                &format!("fill=\"{color}\""),
            ),
            Severity::Important => self.path(
                &format!(
                    "M{} {}L{} {}L{} {}L{} {}Z",
                    number(x),
                    number(y - half * 1.15),
                    number(x + half * 1.15),
                    number(y),
                    number(x),
                    number(y + half * 1.15),
                    number(x - half * 1.15),
                    number(y)
                ),
                &format!("fill=\"{color}\""),
            ),
            Severity::Normal => self.circle(center, half, color),
            _ => {
                let _ = writeln!(
                    self.body,
                    "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{}\"/>",
                    number(x),
                    number(y),
                    number(half - size * 0.07),
                    number(size * 0.14)
                );
            }
        }
        size * 1.15
    }

    /// Lets plotters draw on a part of the picture.
    pub(crate) fn plot(
        &mut self,
        chart: &'static str,
        area: Area,
        draw: impl FnOnce(&Plot<'_, '_>) -> Result<(), Box<dyn std::error::Error>>,
    ) -> Result<()> {
        let mut drawn = String::new();
        let size = (
            (area.width * FINE).round() as u32,
            (area.height * FINE).round() as u32,
        );
        {
            let root = SVGBackend::with_string(&mut drawn, size).into_drawing_area();
            draw(&root).map_err(|error| Error::Draw {
                chart,
                reason: error.to_string(),
            })?;
            root.present().map_err(|error| Error::Draw {
                chart,
                reason: error.to_string(),
            })?;
        }
        // The chart becomes a group of this picture: what plotters wrapped around it goes.
        let inner = drawn
            .split_once('>')
            .and_then(|(_, rest)| rest.rsplit_once("</svg>"))
            .map_or("", |(inner, _)| inner.trim());
        let _ = writeln!(
            self.body,
            "<g transform=\"translate({} {}) scale({})\">\n{inner}\n</g>",
            number(area.x),
            number(area.y),
            1.0 / FINE
        );
        Ok(())
    }

    /// The whole file. Title and description are for people who hear a picture instead of seeing it.
    pub(crate) fn finish(self, title: &str, description: &str) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" font-family=\"{family}\" \
             style=\"font-variant-numeric: tabular-nums\">\n<title>{title}</title>\n<desc>{description}</desc>\n{body}</svg>\n",
            width = self.width,
            height = self.height,
            family = font::FAMILY,
            title = escape(&clean(title)),
            description = escape(&clean(description)),
            body = self.body,
        )
    }
}

/// A length of plotters' space for one in pixels.
pub(crate) fn fine(pixels: f64) -> i32 {
    (pixels * FINE).round() as i32
}

/// Two decimals at most: enough for the eye, and the same text on every machine.
pub(crate) fn number(value: f64) -> String {
    let rounded = (value * 100.0).round() / 100.0;
    // No "-0".
    format!("{}", if rounded == 0.0 { 0.0 } else { rounded })
}

/// Makes any text one line of visible letters: names come from outside, and a control character is not allowed in
/// XML, a line break would leave the line, and a bidirectional override would turn its neighbours around.
pub(crate) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut marks = 0;
    for letter in text.chars() {
        marks = if is_mark(letter) { marks + 1 } else { 0 };
        // Two marks on a letter are writing; a tower of them is drawn over the lines above.
        if marks > 2 {
            continue;
        }
        cleaned.push(match letter {
            '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}' => ' ',
            '\u{202A}'..='\u{202E}'
            | '\u{2066}'..='\u{2069}'
            | '\u{200E}'
            | '\u{200F}'
            | '\u{061C}'
            | '\u{FEFF}'
            | '\u{FFFE}'
            | '\u{FFFF}' => '\u{FFFD}',
            letter if letter.is_control() => '\u{FFFD}',
            letter => letter,
        });
    }
    cleaned
}

fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0489}' | '\u{1AB0}'..='\u{1AFF}'
        | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}')
}

/// Writes a text so that no part of it is read as markup.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_become_markup() {
        assert_eq!(
            escape(&clean("</text><script>&\"'\u{0}\u{202E}x\n")),
            "&lt;/text&gt;&lt;script&gt;&amp;&quot;&#39;\u{FFFD}\u{FFFD}x "
        );
    }

    #[test]
    fn lengths_have_two_decimals_at_most() {
        assert_eq!(number(1.0 / 3.0), "0.33");
        assert_eq!(number(-0.001), "0");
        assert_eq!(number(12.0), "12");
    }
}
