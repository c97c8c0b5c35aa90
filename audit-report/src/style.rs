//! How pictures look: one palette on white, one on dark blue, and the sizes of type.

use audit_core::Theme;
use serde::{Deserialize, Serialize};

/// Theme and size of a picture.
///
/// # Examples
/// ```
/// use audit_core::Theme;
/// use audit_report::Style;
/// let style = Style::dark();
/// assert_eq!((style.theme, style.width, style.height), (Theme::Dark, 1600, 1000));
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Style {
    /// On white paper or on dark.
    pub theme: Theme,
    /// Width in pixels at 1×; a dashboard is drawn no narrower than 1200.
    pub width: u32,
    /// Height in pixels at 1×; a dashboard is drawn no lower than 840.
    pub height: u32,
}

impl Default for Style {
    fn default() -> Self {
        Style::light()
    }
}

impl Style {
    /// The dashboard's standard size, 1600 × 1000, on white.
    pub fn light() -> Self {
        Style {
            theme: Theme::Light,
            width: 1600,
            height: 1000,
        }
    }

    /// The dashboard's standard size, 1600 × 1000, on dark.
    pub fn dark() -> Self {
        Style {
            theme: Theme::Dark,
            ..Style::light()
        }
    }

    pub(crate) fn palette(&self) -> &'static Palette {
        match self.theme {
            Theme::Light => &LIGHT,
            Theme::Dark => &DARK,
        }
    }
}

/// Size of the numbers in tiles.
pub(crate) const NUMBER: f64 = 28.0;
/// Size of the titles of charts.
pub(crate) const TITLE: f64 = 14.0;
/// Size of labels.
pub(crate) const LABEL: f64 = 12.0;
/// Size of notes.
pub(crate) const NOTE: f64 = 11.0;

/// Colours of one theme. Text colours have a contrast of at least 4.5 to the paper.
#[derive(Debug)]
pub(crate) struct Palette {
    pub(crate) paper: &'static str,
    /// Titles, numbers, names.
    pub(crate) ink: &'static str,
    /// Labels.
    pub(crate) soft: &'static str,
    /// Notes.
    pub(crate) quiet: &'static str,
    /// Grid and separators.
    pub(crate) hairline: &'static str,
    /// Outline of tiles.
    pub(crate) border: &'static str,
    /// What a bar could have filled; a cell of the heat map without anything.
    pub(crate) track: &'static str,
    /// Passed, good.
    pub(crate) good: &'static str,
    /// A series that means no severity.
    pub(crate) series: &'static str,
    /// The same, lighter.
    pub(crate) series_soft: &'static str,
    /// Steps of the heat map, from few to many.
    pub(crate) heat: [&'static str; 5],
}

const LIGHT: Palette = Palette {
    paper: "#FFFFFF",
    ink: "#0F172A",
    soft: "#475467",
    quiet: "#667085",
    hairline: "#EAECF0",
    border: "#E4E7EC",
    track: "#F2F4F7",
    good: "#027A48",
    series: "#5B6F9E",
    series_soft: "#98A8C6",
    heat: ["#D8DEEA", "#B4C0D8", "#8C9DC0", "#62769F", "#3B4D77"],
};

const DARK: Palette = Palette {
    paper: "#0F172A",
    ink: "#F8FAFC",
    soft: "#CBD5E1",
    quiet: "#94A3B8",
    hairline: "#1E293B",
    border: "#2A3850",
    track: "#1B263B",
    good: "#32D583",
    series: "#9DB2DC",
    series_soft: "#64779F",
    heat: ["#2A3A5A", "#3D5280", "#5872A8", "#7F99CC", "#B4C7EE"],
};

#[cfg(test)]
mod tests {
    use audit_core::Severity;

    use super::*;

    fn luminance(hex: &str) -> f64 {
        let part = |from: usize| {
            let value = f64::from(u8::from_str_radix(&hex[from..from + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    #[test]
    fn text_can_be_read_on_both_papers() {
        for (palette, theme) in [(&LIGHT, Theme::Light), (&DARK, Theme::Dark)] {
            let [critical, important, normal, low] =
                Severity::ALL.map(|severity| severity.color(theme));
            for ink in [
                palette.ink,
                palette.soft,
                palette.quiet,
                palette.good,
                critical,
                important,
                normal,
                low,
            ] {
                let (one, other) = (luminance(ink), luminance(palette.paper));
                let contrast = (one.max(other) + 0.05) / (one.min(other) + 0.05);
                assert!(
                    contrast >= 4.5,
                    "{ink} on {} has {contrast:.2}",
                    palette.paper
                );
            }
        }
    }
}
