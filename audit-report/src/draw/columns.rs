//! Columns over time, one layer on another, and the axis below them.

use chrono::NaiveDateTime;
use plotters::prelude::{ChartBuilder, PathElement, Rectangle, ShapeStyle};

use super::{Pen, rgb};
use crate::canvas::{Area, Type, fine};
use crate::error::Result;
use crate::font::{self, Weight};
use crate::format::short;
use crate::period::StepWidth;
use crate::style::LABEL;
use crate::words;

impl Pen {
    /// Columns over time, one layer on another, on a scale that starts at zero and ends at `top`.
    pub(crate) fn columns(
        &mut self,
        name: &'static str,
        area: Area,
        top: f64,
        ticks: &[f64],
        layers: &[(&'static str, Vec<i64>)],
    ) -> Result<()> {
        let palette = self.palette;
        let number = layers.first().map_or(0, |(_, values)| values.len()).max(1);
        let hairline = ShapeStyle {
            color: rgb(palette.hairline).into(),
            filled: false,
            stroke_width: fine(1.0) as u32,
        };
        // A tenth of a column on each side stays free, unless columns are so narrow that gaps would flicker.
        let gap = if area.width / number as f64 > 4.0 {
            0.08
        } else {
            0.0
        };
        self.canvas.plot(name, area, |root| {
            let mut chart =
                ChartBuilder::on(root).build_cartesian_2d(0.0..number as f64, 0.0..top)?;
            chart.draw_series(ticks.iter().map(|tick| {
                PathElement::new(vec![(0.0, *tick), (number as f64, *tick)], hairline)
            }))?;
            let mut floor = vec![0i64; number];
            for (color, values) in layers {
                let fill = ShapeStyle {
                    color: rgb(color).into(),
                    filled: true,
                    stroke_width: 0,
                };
                let columns: Vec<_> = values
                    .iter()
                    .enumerate()
                    .filter(|(_, value)| **value > 0)
                    .map(|(place, value)| {
                        let (left, right) = (place as f64 + gap, (place + 1) as f64 - gap);
                        let low = floor[place] as f64;
                        Rectangle::new([(left, low + *value as f64), (right, low)], fill)
                    })
                    .collect();
                chart.draw_series(columns)?;
                for (place, value) in values.iter().enumerate() {
                    floor[place] += value;
                }
            }
            Ok(())
        })?;
        for tick in ticks {
            let y = area.bottom() - area.height * tick / top;
            self.canvas.text(
                area.x - 8.0,
                y + 4.0,
                &short(*tick as i64),
                Type::new(LABEL, palette.soft).end(),
            );
        }
        Ok(())
    }

    /// Names some of the steps below a chart over time.
    pub(crate) fn time_labels(&mut self, area: Area, steps: &[NaiveDateTime], step: StepWidth) {
        let width = area.width / steps.len().max(1) as f64;
        let mut free_from = f64::MIN;
        for (place, label) in words::ticks(steps, step, (area.width / 90.0) as usize) {
            let middle = area.x + width * (place as f64 + 0.5);
            let half = font::width(&label, LABEL, Weight::Regular) / 2.0;
            let x = middle.max(area.x + half - 24.0);
            if x - half > free_from {
                self.canvas.text(
                    x,
                    area.bottom() + 18.0,
                    &label,
                    Type::new(LABEL, self.palette.soft).middle(),
                );
                free_from = x + half + 12.0;
            }
        }
    }
}

/// The step between the ticks of a scale that starts at zero, and its top: round numbers, at most `most` steps.
pub(crate) fn scale(highest: i64, most: i64) -> (i64, i64) {
    let highest = highest.max(1);
    let mut unit: i64 = 1;
    loop {
        for factor in [1, 2, 5] {
            let step = unit.saturating_mul(factor);
            let steps = highest / step + i64::from(highest % step > 0);
            if steps <= most {
                return (step, step.saturating_mul(steps));
            }
        }
        unit = unit.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_in_round_numbers_above_the_highest() {
        assert_eq!(scale(1, 5), (1, 1));
        assert_eq!(scale(500, 5), (100, 500));
        assert_eq!(scale(501, 5), (200, 600));
        assert_eq!(scale(8_604, 5), (2_000, 10_000));
    }
}
