//! Lines over time with a scale at their left and their names at their right ends.

use audit_core::Severity;
use chrono::TimeDelta;

use super::Pen;
use crate::canvas::{Area, Type, number};
use crate::font::{self, Weight};
use crate::format::{decimal, duration, percent};
use crate::style::{LABEL, NOTE};

/// What a height means.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) ticks: Vec<(f64, String)>,
}

/// One series.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    /// Its value as a person reads it.
    pub(crate) text: String,
    pub(crate) sign: Option<Severity>,
    pub(crate) color: &'static str,
    pub(crate) dashed: bool,
    /// Whether its values are marked: where there are few, far from each other.
    pub(crate) dots: bool,
    pub(crate) width: f64,
    /// Places from 0, the left, to 1, the right, with a value, or with none where the line is interrupted.
    pub(crate) points: Vec<(f64, Option<f64>)>,
}

impl Scale {
    /// Round numbers from 0, or from below the lowest where that is negative, to above the highest.
    pub(crate) fn numbers(lowest: f64, highest: f64, most: usize) -> Self {
        let low = lowest.min(0.0);
        let high = highest.max(0.0);
        let high = if high > low { high } else { low + 1.0 };
        let step = round_step((high - low) / most as f64);
        Scale::stepped(low, high, step, &decimal)
    }

    /// Lengths of time from 0 on, in seconds, at units that clocks have.
    pub(crate) fn seconds(highest: f64, most: usize) -> Self {
        const STEPS: [f64; 18] = [
            0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0, 1_800.0,
            3_600.0, 14_400.0, 43_200.0, 86_400.0,
        ];
        let highest = highest.max(0.1);
        let least = highest / most as f64;
        let step = STEPS
            .into_iter()
            .find(|step| *step >= least)
            .unwrap_or_else(|| round_step(least / 86_400.0) * 86_400.0);
        Scale::stepped(0.0, highest, step, &|seconds| {
            duration(TimeDelta::milliseconds((seconds * 1000.0).round() as i64))
        })
    }

    /// Shares up to all, from a round one below the lowest.
    pub(crate) fn shares(lowest: f64) -> Self {
        let low = [0.99, 0.98, 0.95, 0.9, 0.8, 0.5]
            .into_iter()
            .find(|floor| lowest >= *floor)
            .unwrap_or(0.0);
        let ticks = (0..=4)
            .map(|tick| low + (1.0 - low) * f64::from(tick) / 4.0)
            .map(|share| {
                let text = percent(share);
                // A scale may say 0 and 100 without the decimal that results must have.
                (share, text.replace(".0 %", " %"))
            })
            .collect();
        Scale {
            low,
            high: 1.0,
            ticks,
        }
    }

    fn stepped(low: f64, high: f64, step: f64, text: &dyn Fn(f64) -> String) -> Self {
        let first = (low / step).floor();
        let last = (high / step - 1e-9).ceil().max(first + 1.0);
        let ticks: Vec<(f64, String)> = (0..=((last - first) as usize).min(20))
            .map(|place| {
                let value = (first + place as f64) * step;
                (value, text(value))
            })
            .collect();
        Scale {
            low: first * step,
            high: last * step,
            ticks,
        }
    }

    /// How high a value is in an area.
    pub(crate) fn y(&self, area: Area, value: f64) -> f64 {
        area.bottom() - area.height * ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

/// The next of 1, 2, 5, 10, … that is no less.
fn round_step(least: f64) -> f64 {
    let unit = 10f64.powf(least.max(1e-9).log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|factor| factor * unit)
        .find(|step| *step >= least * 0.999_999)
        .unwrap_or(unit * 10.0)
}

impl Pen {
    /// Hairlines across an area with their values at its left.
    pub(crate) fn grid(&mut self, area: Area, scale: &Scale) {
        // As many as can be read: of five ticks every second, or only the first and the last.
        let gaps = scale.ticks.len().saturating_sub(1).max(1);
        let every = (1..=gaps)
            .find(|every| {
                gaps.is_multiple_of(*every) && area.height / (gaps / every) as f64 >= 18.0
            })
            .unwrap_or(gaps);
        for (value, text) in scale.ticks.iter().step_by(every) {
            let y = scale.y(area, *value);
            let (from, to) = ((area.x, y), (area.right(), y));
            self.canvas.line(from, to, self.palette.hairline, 1.0);
            let look = Type::new(LABEL, self.palette.soft).end();
            self.canvas.text(area.x - 8.0, y + 4.0, text, look);
        }
    }

    /// The lines themselves. Where a value has no neighbour it is a dot.
    pub(crate) fn lines(&mut self, area: Area, scale: &Scale, lines: &[Line]) {
        // The first is the most important, so it is drawn last, above the others.
        for line in lines.iter().rev() {
            let mut path = String::new();
            let mut dots = Vec::new();
            let mut run: Vec<(f64, f64)> = Vec::new();
            let ended = std::iter::once((0.0, None));
            for (place, value) in line.points.iter().copied().chain(ended) {
                if let Some(value) = value {
                    run.push((area.x + area.width * place, scale.y(area, value)));
                    continue;
                }
                if line.dots || run.len() == 1 {
                    dots.extend_from_slice(&run);
                }
                if run.len() > 1 {
                    for (nth, (x, y)) in run.iter().enumerate() {
                        path.push(if nth == 0 { 'M' } else { 'L' });
                        path.push_str(&format!("{} {}", number(*x), number(*y)));
                    }
                }
                run.clear();
            }
            if !path.is_empty() {
                let dashes = if line.dashed {
                    " stroke-dasharray=\"5 3\""
                } else {
                    ""
                };
                self.canvas.path(
                    &path,
                    &format!(
                        "fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\"{dashes}",
                        line.color,
                        number(line.width)
                    ),
                );
            }
            for dot in dots {
                self.canvas.circle(dot, 2.5, line.color);
            }
        }
    }

    /// The names of lines beside their right ends, moved apart where these are close; returns how many had a place.
    pub(crate) fn ends(&mut self, area: Area, scale: &Scale, lines: &[Line], room: f64) -> usize {
        const PITCH: f64 = 30.0;
        let shown = lines
            .len()
            .min(((area.height + 12.0) / PITCH) as usize)
            .max(1)
            .min(lines.len());
        let mut ends: Vec<((f64, f64), &Line)> = lines
            .iter()
            .take(shown)
            .map(|line| {
                let last = line
                    .points
                    .iter()
                    .rev()
                    .find_map(|(place, value)| Some((*place, (*value)?)));
                let end = last.map_or((area.right(), area.bottom()), |(place, value)| {
                    (area.x + area.width * place, scale.y(area, value))
                });
                (end, line)
            })
            .collect();
        ends.sort_by(|((_, one), _), ((_, other), _)| one.total_cmp(other));
        let mut places: Vec<f64> = ends.iter().map(|((_, y), _)| *y).collect();
        for place in 1..places.len() {
            places[place] = places[place].max(places[place - 1] + PITCH);
        }
        // What was pushed out below is pushed up again.
        let mut lowest = area.bottom() - 4.0;
        for place in (0..places.len()).rev() {
            places[place] = places[place].min(lowest);
            lowest = places[place] - PITCH;
        }
        let x = area.right() + 8.0;
        for (((last, y), line), place) in ends.into_iter().zip(places) {
            // A hairline leads from where the line ends to its name.
            let (from, to) = ((last + 3.0, y), (x + 6.0, place));
            self.canvas.line(from, to, self.palette.border, 1.0);
            let start = match line.sign {
                Some(severity) => {
                    self.canvas
                        .sign(severity, (x + 14.0, place), 9.0, line.color);
                    x + 24.0
                }
                None => {
                    self.canvas.circle((x + 10.0, place), 3.0, line.color);
                    x + 18.0
                }
            };
            let room = room - (start - area.right());
            let look = Type::new(LABEL, self.palette.ink).bold();
            self.canvas
                .text_in(start, place + 1.0, room, &line.text, look);
            let look = Type::new(NOTE, self.palette.soft);
            self.canvas
                .text_in(start, place + 14.0, room, &line.name, look);
        }
        shown
    }

    /// How much room the names of lines take at most.
    pub(crate) fn room_of_ends(area: Area, lines: &[Line]) -> f64 {
        let widest = lines
            .iter()
            .map(|line| {
                font::width(&line.name, NOTE, Weight::Regular).max(font::width(
                    &line.text,
                    LABEL,
                    Weight::Bold,
                ))
            })
            .fold(0.0, f64::max);
        (widest + 36.0).min(area.width * 0.34)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(scale: &Scale) -> String {
        let texts: Vec<&str> = scale.ticks.iter().map(|(_, text)| text.as_str()).collect();
        texts.join(" ")
    }

    #[test]
    fn scales_have_round_numbers() {
        assert_eq!(shown(&Scale::numbers(3.0, 97.0, 5)), "0 20 40 60 80 100");
        assert_eq!(shown(&Scale::numbers(-7.0, 12.0, 4)), "−10 −5 0 5 10 15");
        assert_eq!(shown(&Scale::numbers(0.0, 0.03, 3)), "0 0.01 0.02 0.03");
        assert_eq!(shown(&Scale::numbers(0.0, 0.0, 4)), "0 0.5 1");
        assert_eq!(shown(&Scale::seconds(100.0, 3)), "0 s 60 s 2 min");
        assert_eq!(shown(&Scale::shares(0.93)), "90 % 92.5 % 95 % 97.5 % 100 %");
    }
}
