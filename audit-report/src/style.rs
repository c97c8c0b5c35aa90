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
    /// Lines that mean no severity, the first the strongest.
    pub(crate) lines: [&'static str; 3],
}

impl Palette {
    /// The colour of words on a ground.
    pub(crate) fn ink_on(&self, ground: &str) -> &'static str {
        if contrast(self.ink, ground) >= contrast(self.paper, ground) {
            self.ink
        } else {
            self.paper
        }
    }
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
    lines: ["#26365A", "#5B6F9E", "#8494B5"],
};

const DARK: Palette = Palette {
    paper: "#0F172A",
    ink: "#F8FAFC",
    soft: "#CBD5E1",
    quiet: "#94A3B8",
    hairline: "#1E293B",
    border: "#2A3850",
    track: "#1B263B",
    good: "#47E5A0",
    series: "#9DB2DC",
    series_soft: "#64779F",
    heat: ["#2A3A5A", "#3D5280", "#5872A8", "#7F99CC", "#B4C7EE"],
    lines: ["#DCE6FA", "#9DB2DC", "#6F84B0"],
};

/// How well one colour can be told from another by its lightness, from 1 to 21, as WCAG 2.1 defines it.
pub(crate) fn contrast(one: &str, other: &str) -> f64 {
    let [one, other] = [one, other].map(|hex| {
        let [red, green, blue] = light(hex);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    });
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// How much red, green and blue light a colour sends, each from 0 to 1.
fn light(hex: &str) -> [f64; 3] {
    [1, 3, 5].map(|from| {
        let part = hex.get(from..from + 2).unwrap_or("00");
        let value = f64::from(u8::from_str_radix(part, 16).unwrap_or(0)) / 255.0;
        if value <= 0.04045 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    })
}

#[cfg(test)]
mod tests {
    use audit_core::Severity;

    use super::*;

    /// What people see who lack one kind of cone: Machado, Oliveira and Fernandes 2009, severity 1, over linear light.
    const EYES: [(&str, [[f64; 3]; 3]); 4] = [
        (
            "all cones",
            [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        ),
        (
            "protanopia",
            [
                [0.152_286, 1.052_583, -0.204_868],
                [0.114_503, 0.786_281, 0.099_216],
                [-0.003_882, -0.048_116, 1.051_998],
            ],
        ),
        (
            "deuteranopia",
            [
                [0.367_322, 0.860_646, -0.227_968],
                [0.280_085, 0.672_501, 0.047_413],
                [-0.011_820, 0.042_940, 0.968_881],
            ],
        ),
        (
            "tritanopia",
            [
                [1.255_528, -0.076_749, -0.178_779],
                [-0.078_411, 0.930_809, 0.147_602],
                [0.004_733, 0.691_367, 0.303_900],
            ],
        ),
    ];

    /// The place of a colour in CIELAB, in which the distance of two says how different they look: below 2 nobody can
    /// tell them apart, 10 is seen at a glance.
    fn seen(hex: &str, eye: &[[f64; 3]; 3]) -> [f64; 3] {
        let light = light(hex);
        let [red, green, blue] = eye.map(|row| {
            let sum: f64 = row
                .iter()
                .zip(light)
                .map(|(part, light)| part * light)
                .sum();
            sum.clamp(0.0, 1.0)
        });
        let [x, y, z] = [
            (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.950_47,
            0.2126 * red + 0.7152 * green + 0.0722 * blue,
            (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.088_83,
        ]
        .map(|part: f64| {
            if part > 0.008_856 {
                part.cbrt()
            } else {
                7.787 * part + 16.0 / 116.0
            }
        });
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    fn distance(one: &str, other: &str, eye: &[[f64; 3]; 3]) -> f64 {
        let [one, other] = [one, other].map(|hex| seen(hex, eye));
        one.iter()
            .zip(other)
            .map(|(a, b)| (a - b).powi(2))
            .sum::<f64>()
            .sqrt()
    }

    #[test]
    fn severities_differ_for_every_eye() {
        for theme in [Theme::Light, Theme::Dark] {
            let colors: Vec<&str> = Severity::ALL
                .map(|severity| severity.color(theme))
                .into_iter()
                .chain([theme.good()])
                .collect();
            for (name, eye) in &EYES {
                for (place, one) in colors.iter().enumerate() {
                    for other in &colors[place + 1..] {
                        let distance = distance(one, other, eye);
                        assert!(
                            distance >= 18.0,
                            "{name}: {one} and {other} are {distance:.1} apart"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn steps_of_lightness_differ_for_every_eye_and_go_one_way() {
        for palette in [&LIGHT, &DARK] {
            let steps: Vec<&str> = std::iter::once(palette.track).chain(palette.heat).collect();
            for pair in steps.windows(2) {
                for (name, eye) in &EYES {
                    let distance = distance(pair[0], pair[1], eye);
                    assert!(distance >= 8.0, "{name}: {pair:?} are {distance:.1} apart");
                }
                assert!(
                    contrast(pair[1], palette.paper) > contrast(pair[0], palette.paper),
                    "{pair:?}"
                );
            }
        }
    }

    #[test]
    fn lines_and_bars_stand_out_from_both_papers() {
        for (palette, theme) in [(&LIGHT, Theme::Light), (&DARK, Theme::Dark)] {
            for ink in palette
                .lines
                .into_iter()
                .chain(Severity::ALL.map(|severity| severity.color(theme)))
            {
                assert!(contrast(ink, palette.paper) >= 3.0, "{ink}");
            }
        }
    }

    #[test]
    fn what_is_written_into_a_cell_can_be_read() {
        for palette in [&LIGHT, &DARK] {
            for cell in palette.heat {
                let contrast = contrast(palette.ink_on(cell), cell);
                assert!(contrast >= 4.5, "{contrast:.2} on {cell}");
            }
        }
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
                let contrast = contrast(ink, palette.paper);
                assert!(
                    contrast >= 4.5,
                    "{ink} on {} has {contrast:.2}",
                    palette.paper
                );
            }
        }
    }
}
