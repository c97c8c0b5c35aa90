//! The font that every picture is drawn with: Noto Sans, shipped with the program, so that nothing depends on what
//! the machine has installed. Widths are measured here, because a picture must know whether a name fits.

use std::sync::{Arc, LazyLock};

use resvg::usvg::fontdb;
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

use crate::canvas::clean;

/// The family as written into an SVG. Where Noto Sans is missing, a viewer takes the next: widths then differ a
/// little, which the drawing leaves room for.
pub(crate) const FAMILY: &str = "'Noto Sans', 'Segoe UI', 'Helvetica Neue', Arial, sans-serif";

/// Regular or bold; there is no third.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Weight {
    Regular,
    Bold,
}

static REGULAR: LazyLock<Widths> = LazyLock::new(|| Widths::of(notosans::REGULAR_TTF));
static BOLD: LazyLock<Widths> = LazyLock::new(|| Widths::of(notosans::BOLD_TTF));

static DATABASE: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut database = fontdb::Database::new();
    database.load_font_data(notosans::REGULAR_TTF.to_vec());
    database.load_font_data(notosans::BOLD_TTF.to_vec());
    // A text that asks for a family that is not here would silently vanish.
    database.set_sans_serif_family("Noto Sans");
    database.set_serif_family("Noto Sans");
    database.set_monospace_family("Noto Sans");
    Arc::new(database)
});

/// The fonts for the rasteriser.
pub(crate) fn database() -> Arc<fontdb::Database> {
    Arc::clone(&DATABASE)
}

/// Width of a text in pixels.
pub(crate) fn width(text: &str, size: f64, weight: Weight) -> f64 {
    let widths = match weight {
        Weight::Regular => &*REGULAR,
        Weight::Bold => &*BOLD,
    };
    text.chars()
        .map(|letter| widths.of_letter(letter))
        .sum::<f64>()
        * size
}

/// Shortens a text to a width. Both ends stay, because the ends of a long name tell it from its neighbours.
pub(crate) fn fit(text: &str, size: f64, weight: Weight, room: f64) -> String {
    if width(text, size, weight) <= room {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    let shortened = |kept: usize| -> String {
        let head = kept.div_ceil(2);
        let tail = kept - head;
        let start: String = letters[..head].iter().collect();
        let end: String = letters[letters.len() - tail..].iter().collect();
        format!("{}…{}", start.trim_end(), end.trim_start())
    };
    let (mut fits, mut too_many) = (0, letters.len());
    while too_many - fits > 1 {
        let middle = (fits + too_many) / 2;
        if width(&shortened(middle), size, weight) <= room {
            fits = middle;
        } else {
            too_many = middle;
        }
    }
    shortened(fits)
}

/// Breaks a text between words into lines of a width, at most so many; the last is shortened where more is left.
pub(crate) fn wrap(text: &str, size: f64, weight: Weight, room: f64, most: usize) -> Vec<String> {
    let text = clean(text);
    let mut lines: Vec<String> = Vec::new();
    let mut rest = text.split_whitespace().peekable();
    while let Some(word) = rest.next() {
        let mut line = word.to_owned();
        if lines.len() + 1 == most {
            for word in rest.by_ref() {
                line.push(' ');
                line.push_str(word);
            }
        } else {
            while let Some(word) = rest.peek() {
                let longer = format!("{line} {word}");
                if width(&longer, size, weight) > room {
                    break;
                }
                line = longer;
                rest.next();
            }
        }
        lines.push(fit(&line, size, weight, room));
    }
    lines
}

/// Advance widths in parts of the font size.
struct Widths {
    latin: Vec<f32>,
    font: FontRef<'static>,
    missing: f32,
}

impl Widths {
    fn of(data: &'static [u8]) -> Self {
        let font = FontRef::new(data).expect("the font shipped with the program can be read");
        let mut widths = Widths {
            latin: Vec::new(),
            font,
            missing: 0.6,
        };
        widths.latin = (0..0x250)
            .map(|code| widths.look_up(char::from_u32(code).unwrap_or(' ')))
            .collect();
        widths
    }

    fn of_letter(&self, letter: char) -> f64 {
        let known = self.latin.get(letter as usize).copied();
        f64::from(known.unwrap_or_else(|| self.look_up(letter)))
    }

    fn look_up(&self, letter: char) -> f32 {
        let metrics = self
            .font
            .glyph_metrics(Size::new(1.0), LocationRef::default());
        self.font
            .charmap()
            .map(letter)
            .and_then(|glyph| metrics.advance_width(glyph))
            .unwrap_or(self.missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bold_is_wider_than_regular() {
        assert!(
            width("Data quality", 14.0, Weight::Bold)
                > width("Data quality", 14.0, Weight::Regular)
        );
    }

    #[test]
    fn figures_all_have_one_width() {
        let widths: Vec<f64> = ('0'..='9')
            .map(|figure| width(&figure.to_string(), 10.0, Weight::Regular))
            .collect();
        assert!(
            widths
                .windows(2)
                .all(|pair| (pair[0] - pair[1]).abs() < 1e-6),
            "{widths:?}"
        );
    }

    #[test]
    fn a_long_name_keeps_both_ends() {
        let name = "warehouse.fact_orders_with_a_very_long_name_indeed.customer_reference_is_known";
        let short = fit(name, 12.0, Weight::Regular, 200.0);
        assert!(width(&short, 12.0, Weight::Regular) <= 200.0);
        assert!(
            short.starts_with("warehouse") && short.ends_with("is_known"),
            "{short}"
        );
    }

    #[test]
    fn a_text_that_fits_is_left_alone() {
        assert_eq!(fit("flights", 12.0, Weight::Regular, 200.0), "flights");
        assert_eq!(fit("flights", 12.0, Weight::Regular, 0.0), "…");
    }
}
