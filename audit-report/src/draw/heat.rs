//! When it fails: hours of the week.

use super::Pen;
use crate::canvas::{Area, Type};
use crate::format::count;
use crate::style::{LABEL, NOTE};

impl Pen {
    /// A cell for each hour of each weekday, darker where more failed.
    pub(crate) fn by_hour(&mut self, inside: Area, by_hour: &[[i64; 24]]) {
        let palette = self.palette;
        let most = by_hour.iter().flatten().copied().max().unwrap_or(0);
        if most == 0 {
            self.empty(inside, "no findings in this range");
            return;
        }
        let mut values: Vec<i64> = by_hour
            .iter()
            .flatten()
            .copied()
            .filter(|value| *value > 0)
            .collect();
        values.sort_unstable();
        let usual = values[values.len() / 2];
        let grid = inside.without(36.0, 0.0, 0.0, 44.0);
        let (width, height) = (grid.width / 24.0, grid.height / 7.0);
        for (day, name) in ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
            .into_iter()
            .enumerate()
        {
            let y = grid.y + height * day as f64;
            self.canvas.text(
                grid.x - 8.0,
                y + height / 2.0 + 4.0,
                name,
                Type::new(LABEL, palette.soft).end(),
            );
            for hour in 0..24 {
                let value = by_hour.get(day).map_or(0, |hours| hours[hour]);
                let cell = Area {
                    x: grid.x + width * hour as f64 + 1.0,
                    y: y + 1.0,
                    width: width - 2.0,
                    height: height - 2.0,
                };
                self.canvas
                    .rectangle(cell, self.heat(value, most, usual), 2.0);
            }
        }
        for hour in (0..24).step_by(3) {
            self.canvas.text(
                grid.x + width * (f64::from(hour) + 0.5),
                grid.bottom() + 16.0,
                &format!("{hour:02}"),
                Type::new(LABEL, palette.soft).middle(),
            );
        }
        let y = inside.bottom() + 2.0;
        let mut x = grid.x
            + self
                .canvas
                .text(grid.x, y, "none", Type::new(NOTE, palette.quiet))
            + 8.0;
        let steps: Vec<&'static str> = std::iter::once(palette.track).chain(palette.heat).collect();
        for color in steps {
            self.canvas.rectangle(
                Area {
                    x,
                    y: y - 9.0,
                    width: 14.0,
                    height: 10.0,
                },
                color,
                2.0,
            );
            x += 16.0;
        }
        self.canvas.text_in(
            x + 6.0,
            y,
            inside.right() - x - 6.0,
            &format!(
                "up to {} in an hour of the week",
                count(most, "row", "rows")
            ),
            Type::new(NOTE, palette.quiet),
        );
    }

    /// The colour of a cell: five equal steps up to the highest; when that stands far above most others, steps that
    /// keep small numbers apart from each other.
    pub(crate) fn heat(&self, value: i64, most: i64, usual: i64) -> &'static str {
        if value <= 0 {
            return self.palette.track;
        }
        let share = value as f64 / most as f64;
        let share = if most > usual * 4 {
            share.sqrt()
        } else {
            share
        };
        let step = (share * 5.0).ceil() as usize;
        self.palette.heat[step.clamp(1, 5) - 1]
    }
}
